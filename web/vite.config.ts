import tailwindcss from "@tailwindcss/vite";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Where `npm run dev` finds a gateway; built pages talk to whoever served them.
const gateway = process.env.VELO_GATEWAY ?? "http://127.0.0.1:8499";

export default defineConfig({
	plugins: [
		tanstackRouter({ target: "react", autoCodeSplitting: false, disableLogging: true }),
		react(),
		tailwindcss(),
	],
	build: {
		// No data: URLs for scripts or fonts: the page's Content-Security-Policy has none.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		target: "es2023",
		// Monaco is one big lazy chunk, and known to be.
		chunkSizeWarningLimit: 5000,
	},
	worker: { format: "es" },
	server: { proxy: { "/api": { target: gateway, ws: true } } },
});
