import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { world } from "./world.ts";

// Relative paths, so that the page also works behind a proxy that serves it below a folder.
export default defineConfig({
  base: "./",
  plugins: [svelte(), world()],
  build: {
    target: "es2022",
    // The server's policy allows no inline file.
    assetsInlineLimit: 0,
    // A polyfill of it is an inline script in older tools; every browser of the target preloads.
    modulePreload: { polyfill: false },
    // A build on a busy machine is slow, which is nothing to say.
    rolldownOptions: {
      checks: { pluginTimings: false },
      // What a first search needs of the parts that views share comes in one file, which packs better than many small ones.
      output: { codeSplitting: { groups: [{ name: "shared", test: /src\/(api|parts|query|state)\// }] } },
    },
    // three.js, which is loaded when a 3D model is shown, has 600 kB (150 kB compressed).
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8000" } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
