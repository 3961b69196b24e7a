import type { IncomingMessage } from "node:http";
import { request as requestOverHttp } from "node:http";
import { request as requestOverHttps } from "node:https";
import type { FetchInit, FetchReply } from "./fetch";

/**
 * `fetch` as far as the client needs it, over `node:http`, which the Azure SDKs load anyway: the global `fetch` brings
 * an HTTP client of its own and 20 MB of memory with it. It follows no redirect.
 *
 * The promise rejects with what the socket reports, such as an error with the code `ECONNREFUSED`.
 */
export async function nodeFetch(url: string, init: FetchInit): Promise<FetchReply> {
  const { method, body, signal } = init;
  const target = new URL(url);
  const request = target.protocol === "https:" ? requestOverHttps : requestOverHttp;
  const headers =
    body === undefined
      ? init.headers
      : { ...init.headers, "content-length": String(Buffer.byteLength(body)) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(target, { method, headers, signal }, resolve).on("error", reject).end(body);
  });
  return {
    status: response.statusCode ?? 0,
    headers: { get: (name) => textOf(response.headers[name.toLowerCase()]) },
    body: response,
  };
}

function textOf(value: string | readonly string[] | undefined): string | null {
  if (value === undefined) return null;
  return typeof value === "string" ? value : value.join(", ");
}
