import type { IncomingMessage } from "node:http";
import { request as requestOverHttp } from "node:http";
import { request as requestOverHttps } from "node:https";

/** No answer of the API comes near it; what does is not from the API. */
const MOST_BYTES = 1_048_576;

export interface JsonAnswer {
  readonly status: number;
  /** Undefined when it is no JSON. */
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

export interface PostOptions {
  readonly token: string;
  readonly timeoutMs: number;
}

/**
 * One POST of JSON with a bearer token. Follows no redirect: a token goes to no other host.
 *
 * Over `node:http`, which the SDKs load anyway: `fetch` brings its own client, which takes 20 MB of memory.
 * @throws Error named `TimeoutError` when there was no whole answer in time; what the socket says otherwise
 */
export async function postJson(
  url: string,
  body: unknown,
  { token, timeoutMs }: PostOptions,
): Promise<JsonAnswer> {
  const signal = AbortSignal.timeout(timeoutMs);
  const text = JSON.stringify(body);
  const target = new URL(url);
  const request = target.protocol === "https:" ? requestOverHttps : requestOverHttp;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        authorization: `Bearer ${token}`,
      };
      request(target, { method: "POST", headers, signal }, resolve).on("error", reject).end(text);
    });
    const retryAfter = Number(response.headers["retry-after"] ?? Number.NaN);
    return {
      status: response.statusCode ?? 0,
      body: parsed(await textOf(response)),
      retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : undefined,
    };
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`the answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
