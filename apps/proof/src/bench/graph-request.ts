import { readFileSync } from "node:fs";
import { request } from "node:https";
import { clip, limits } from "@postern/contracts";
import type { Endpoints } from "@postern/local";

/** One call of the local Graph, as any client with a token would make it. */
export async function graphRequest(
  endpoints: Pick<Endpoints, "graph" | "graphToken" | "caFile">,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request(
      `${endpoints.graph}/v1.0${path}`,
      {
        method,
        ca: readFileSync(endpoints.caFile),
        headers: {
          authorization: `Bearer ${endpoints.graphToken}`,
          ...(payload === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => {
          if ((response.statusCode ?? 500) >= 400)
            reject(
              new Error(
                `${method} ${path}: ${response.statusCode ?? 0} ${clip(text, limits.loggedReasonChars)}`,
              ),
            );
          else resolve(text === "" ? undefined : JSON.parse(text));
        });
      },
    );
    call.on("error", reject);
    call.end(payload);
  });
}
