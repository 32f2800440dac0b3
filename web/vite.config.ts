// Builds index.html and hashed files under assets/, plus docs/ with the API browser.
import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.HUBBUB_URL ?? "http://127.0.0.1:8080";

/** Puts the API browser beside the page; it loads /api/v1/openapi.json from the server that serves it. */
function apiDocs(): Plugin {
  return {
    name: "api-docs",
    apply: "build",
    closeBundle() {
      const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
      const out = resolve(import.meta.dirname, "dist/docs");
      mkdirSync(out, { recursive: true });
      for (const name of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
        copyFileSync(join(swagger, name), join(out, name));
      }
      for (const name of ["index.html", "docs.js", "docs.css"]) {
        copyFileSync(resolve(import.meta.dirname, "docs", name), join(out, name));
      }
      copyFileSync(resolve(import.meta.dirname, "src/icon.svg"), join(out, "icon.svg"));
    },
  };
}

export default defineConfig({
  // Relative, so that the page works in whatever folder a proxy puts it.
  base: "./",
  plugins: [react(), apiDocs()],
  build: {
    target: "es2022",
    // light-dark() is left to the browser, so that the appearance can be switched by color-scheme alone.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Small icons stay files, so that the content policy needs no exception for them.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      // The page's own host goes along: who asks for a session must come from a page of that host.
      "/api": { target: server },
      "/hooks": server,
      "/connection": { target: server, ws: true },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
