import { ApiClient, operationsOf } from "@postern/api-client";
import { nodeFetch } from "@postern/api-client/node";
import { routes } from "@postern/contracts";

const TIMEOUT_MS = 30_000;

const operations = operationsOf(routes);

/** Client of the HTTP API as the local platform uses it: like any other caller, with a bearer token. */
export type PlatformApi = ApiClient<typeof operations>;

/** @param functionsUrl without `/api` */
export function platformApi(functionsUrl: string, token: () => string): PlatformApi {
  return new ApiClient(operations, {
    baseUrl: `${functionsUrl}/api`,
    fetch: nodeFetch,
    token: async () => token(),
    timeoutMs: TIMEOUT_MS,
  });
}
