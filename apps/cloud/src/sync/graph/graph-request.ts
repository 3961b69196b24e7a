/**
 * One GET to Microsoft Graph: to no other origin, within a time that includes the reading, and with a response that is
 * counted as it comes out of the decompression. The body is handed over as bytes: what it costs to build something from
 * them is decided by who reads them.
 */
import { clip, limits } from "@postern/contracts";
import { masked, bytesWithin, readJson, TooManyBytes } from "@postern/input";
import {
  Client,
  GraphError,
  type Middleware,
  ResponseType,
} from "@microsoft/microsoft-graph-client";
import { z } from "zod";
import { responseBounds } from "./response-bounds";
import { SourceError } from "../../ports/source";

/** Marks our requests as background work: interactive callers of the tenant go first (facts: Graph throttling). */
const PRIORITY = { "x-ms-throttle-priority": "low" };
const EXPIRED_CODES = new Set(["syncStateNotFound", "resyncRequired", "syncStateInvalid"]);
const MAX_RETRY_AFTER_MS = 3_600_000;

/** There is nothing of that id. */
export class Missing extends SourceError {}

export interface GraphRequestOptions {
  readonly baseUrl: string;
  readonly middleware: Middleware;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly answeredWithinMs: number;
}

/** @throws SourceError */
export type GraphGet = (
  path: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<Buffer>;

export function graphRequests(options: GraphRequestOptions): GraphGet {
  const { baseUrl, middleware, now, answeredWithinMs } = options;
  const client = Client.initWithMiddleware({
    baseUrl: `${baseUrl}/`,
    defaultVersion: "v1.0",
    customHosts: new Set([new URL(baseUrl).hostname]),
    middleware,
  });
  return async (path, headers = {}) => {
    if (!path.startsWith("/")) refuseOtherOrigin(path, baseUrl);
    try {
      const response = (await client
        .api(path)
        .headers({ ...PRIORITY, ...headers })
        // A redirect would be followed with our token.
        .options({ signal: AbortSignal.timeout(answeredWithinMs), redirect: "manual" })
        .responseType(ResponseType.RAW)
        .get()) as Response;
      if (!response.ok) throw await refusalOf(response, now());
      return await bytesWithin(response.body, responseBounds.bytes);
    } catch (error) {
      throw sourceError(error);
    }
  };
}

/**
 * Links come from a response or from a document: they are followed with our token only to the scheme, host and port to
 * which the client talks anyway.
 *
 * @throws SourceError
 */
export function refuseOtherOrigin(link: string, baseUrl: string): void {
  const url = URL.parse(link);
  if (url !== null && url.origin === new URL(baseUrl).origin && url.username === "") return;
  const place = url === null ? "no address" : `'${clip(url.origin, limits.quotedChars)}'`;
  throw new SourceError(
    "refused",
    `a link of Microsoft Graph leads to ${place} instead of ${baseUrl}; it is not followed`,
  );
}

const ErrorBody = z.looseObject({ error: z.looseObject({ code: z.string().max(200).optional() }) });

async function refusalOf(response: Response, nowMs: number): Promise<SourceError> {
  const { status } = response;
  const code = await errorCodeOf(response);
  const text = masked(`Microsoft Graph answered ${status} ${code ?? ""}`.trim());
  const retryAfterMs = retryAfter(response.headers.get("retry-after"), nowMs);
  if (status >= 300 && status < 400)
    return new SourceError("refused", `${text}: redirects are not followed`);
  if (status === 410 || EXPIRED_CODES.has(code ?? "")) return new SourceError("expired", text);
  if (status === 429) return new SourceError("throttled", text, { retryAfterMs });
  if (status === 404) return new Missing("refused", text);
  if (status === 408 || status >= 500)
    return new SourceError("unavailable", text, { retryAfterMs });
  return new SourceError("refused", text);
}

async function errorCodeOf(response: Response): Promise<string | undefined> {
  try {
    const bytes = await bytesWithin(response.body, responseBounds.errorBytes);
    const reading = readJson(bytes.toString("utf8"));
    const code = reading.ok ? ErrorBody.safeParse(reading.value).data?.error.code : undefined;
    return code === undefined ? undefined : clip(code, limits.codeChars);
  } catch (error) {
    if (error instanceof TooManyBytes) return undefined;
    throw error;
  }
}

function sourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  if (error instanceof TooManyBytes)
    return new SourceError(
      "refused",
      `a response of Microsoft Graph has more than ${responseBounds.bytes} bytes, the most that are read`,
    );
  // The reason lies in what went wrong on the way: name, token, connection, decompression.
  const reason = error instanceof GraphError || error instanceof TypeError ? causeText(error) : "";
  const text =
    reason === ""
      ? "Microsoft Graph does not answer"
      : `Microsoft Graph was not reached: ${reason}`;
  return new SourceError("unavailable", clip(masked(text), limits.failureChars), { cause: error });
}

function causeText(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

/** Seconds or a date (RFC 9110). */
function retryAfter(value: string | null, nowMs: number): number | null {
  if (value === null || value === "") return null;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : null;
}
