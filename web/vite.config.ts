// Builds three pages with hashed files under assets/: the inbox, the API browser (docs.html, served as /docs), and the
// gallery of primitives (gallery.html).
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.HUBBUB_URL ?? "http://127.0.0.1:8080";

/** Styles of the texts that the server renders itself, and their picture, at addresses without a hash. */
function docsStyles(): Plugin {
  return {
    name: "docs-styles",
    apply: "build",
    closeBundle() {
      const out = resolve(import.meta.dirname, "dist/docs");
      mkdirSync(out, { recursive: true });
      copyFileSync(resolve(import.meta.dirname, "docs/docs.css"), join(out, "docs.css"));
      copyFileSync(resolve(import.meta.dirname, "src/icon.svg"), join(out, "icon.svg"));
    },
  };
}

/** Scripts and styles as they travel: smaller than what a server can make for each request, and made once. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    closeBundle() {
      const assets = resolve(import.meta.dirname, "dist/assets");
      for (const name of readdirSync(assets)) {
        if (!/\.(?:js|css)$/.test(name)) continue;
        const file = readFileSync(join(assets, name));
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(file));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(file, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), docsStyles(), packed()],
  // A proxy may put the server under a path of its own, so addresses are relative to the page.
  base: "./",
  build: {
    rolldownOptions: { input: ["index.html", "docs.html", "gallery.html"].map((name) => resolve(import.meta.dirname, name)) },
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
  test: { environment: "node", setupFiles: ["src/i18n/words.setup.ts"], include: ["src/**/*.test.ts"], css: true },
});
