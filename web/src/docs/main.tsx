import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../styles/index.css";
import { LookProvider, lookWords } from "../ui/look";
import { Docs } from "./Docs";
import "./docs.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
await lookWords();
createRoot(root).render(<StrictMode><LookProvider><Docs /></LookProvider></StrictMode>);
