import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createApp } from "./app";
import { AppProvider } from "./hooks/app";
import { guardDrops } from "./hooks/drops";
import { Root } from "./views/Root";
import "./styles/index.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
guardDrops(window);
createRoot(root).render(
  <StrictMode>
    <AppProvider app={createApp()}>
      <Root />
    </AppProvider>
  </StrictMode>,
);
