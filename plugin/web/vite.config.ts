/// <reference types="vitest/config" />
import { defineConfig } from "vite";

/**
 * The page is served under /ehr/ with a policy that allows scripts and styles from files only,
 * so nothing is written inline: no module-preload helper, no data: assets.
 */
export default defineConfig({
  base: "/ehr/",
  oxc: { jsx: { runtime: "automatic" } },
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      onwarn: (warning, warn) => {
        // Libraries mark files for server rendering, which there is none of here.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
  server: {
    // `npm run dev` talks to a bridge started by scripts/run on its default port.
    proxy: Object.fromEntries(["/api", "/ohif", "/dicom-web"].map((path) => [path, "http://127.0.0.1:8042"])),
  },
  // A test of what a person sees (*.test.tsx) says in its first line that it wants a page.
  // Files share what they import: half of the time was loading it anew for each.
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node", isolate: false, setupFiles: ["src/testing/setup.ts"] },
});
