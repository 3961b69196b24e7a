import type { ServerResponse } from "node:http";
import { z } from "zod";
import type { RpcHttpCookie, RpcHttpData } from "../../engine/app/rpc";

/** Set by the server itself; from a function they would break the framing. */
const RESERVED = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "trailer",
  "te",
]);

/** The library passes a protobuf timestamp. */
const Timestamp = z.looseObject({ seconds: z.number() });

function expiresOf(value: unknown): string | undefined {
  const timestamp = Timestamp.safeParse(value);
  return timestamp.success ? new Date(timestamp.data.seconds * 1000).toUTCString() : undefined;
}

function formatCookie(cookie: RpcHttpCookie): string {
  const parts = [`${cookie.name ?? ""}=${encodeURIComponent(cookie.value ?? "")}`];
  const expires = expiresOf(cookie.expires?.value);
  if (cookie.maxAge?.value !== undefined) parts.push(`Max-Age=${Math.trunc(cookie.maxAge.value)}`);
  if (cookie.domain?.value !== undefined) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path?.value !== undefined) parts.push(`Path=${cookie.path.value}`);
  if (expires !== undefined) parts.push(`Expires=${expires}`);
  if (cookie.httpOnly?.value === true) parts.push("HttpOnly");
  if (cookie.secure?.value === true) parts.push("Secure");
  switch (cookie.sameSite) {
    case "lax":
      parts.push("SameSite=Lax");
      break;
    case "strict":
      parts.push("SameSite=Strict");
      break;
    case "explicitNone":
      parts.push("SameSite=None");
      break;
    case "none":
    case null:
    case undefined:
  }
  return parts.join("; ");
}

/**
 * Writes what a function returned.
 *
 * @throws TypeError for a header that HTTP does not allow; nothing has been sent then
 */
export function writeFunctionResponse(
  response: ServerResponse,
  data: RpcHttpData,
  isHead: boolean,
): void {
  const status = Number(data.statusCode ?? 200);
  const body = Buffer.from(data.body?.bytes ?? []);
  response.statusCode = status;
  for (const [name, value] of Object.entries(data.headers ?? {})) {
    const lower = name.toLowerCase();
    if (RESERVED.has(lower) || (lower === "content-length" && !isHead)) continue;
    response.setHeader(name, value);
  }
  const cookies = (data.cookies ?? []).map(formatCookie);
  if (cookies.length > 0) response.appendHeader("set-cookie", cookies);
  const bodiless = status === 204 || status === 205 || status === 304;
  if (!bodiless && !response.hasHeader("content-length"))
    response.setHeader("content-length", body.length);
  response.end(isHead || bodiless ? undefined : body);
}

export function writeStatus(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "content-length": 0, ...headers }).end();
}

export function writeJson(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response
    .writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(text),
    })
    .end(text);
}
