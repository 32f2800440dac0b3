import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../styles/index.css";
import { Gallery } from "./Gallery";
import { LookProvider, lookWords } from "../ui/look";
import "./gallery.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
await lookWords();
createRoot(root).render(<StrictMode><LookProvider><Gallery /></LookProvider></StrictMode>);
