import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createApp } from "./app";
import { AppProvider } from "./hooks/app";
import { guardDrops } from "./hooks/drops";
import { bringWords } from "./i18n/text";
import { Root } from "./views/Root";
import "./styles/index.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
guardDrops(window);
const app = createApp();
// Drawn at once in the reader's language, if its words can be had; they are asked for again otherwise.
await bringWords(app.preferences().language).catch(() => undefined);
createRoot(root).render(
  <StrictMode>
    <AppProvider app={app}>
      <Root />
    </AppProvider>
  </StrictMode>,
);
