import { defineConfig } from "vite";

// Fixed names: the built page is committed, and a rebuild of the same source gives the same files.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../microturn/server/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
  worker: {
    format: "es",
    rollupOptions: { output: { entryFileNames: "assets/[name].js" } },
  },
  server: { proxy: { "/v1": { target: "http://127.0.0.1:8765", ws: true }, "/version": "http://127.0.0.1:8765" } },
});
