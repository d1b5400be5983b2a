import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRouter, RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { statusOf } from "./lib/http.ts";
import { startTheme } from "./lib/theme.ts";
import { routeTree } from "./routeTree.gen.ts";
import "./styles.css";

startTheme();

const client = new QueryClient({
	defaultOptions: {
		queries: {
			// Asking again helps when there was no answer, not when there was one.
			retry: (count, error) => count < 2 && (statusOf(error) ?? 0) === 0,
			refetchOnWindowFocus: true,
			// The browser only guesses whether it is online, and a local gateway needs no network.
			networkMode: "always",
		},
		mutations: { networkMode: "always" },
	},
});
const router = createRouter({ routeTree });

declare module "@tanstack/react-router" {
	interface Register {
		router: typeof router;
	}
}

createRoot(document.getElementById("page")!).render(
	<StrictMode>
		<QueryClientProvider client={client}>
			<RouterProvider router={router} />
		</QueryClientProvider>
	</StrictMode>,
);
