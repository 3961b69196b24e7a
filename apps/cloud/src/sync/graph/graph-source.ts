/**
 * Microsoft Graph through its official client. Without the client's own retry handler: it sleeps as long as the service
 * asks, and a function must not sleep. Throttling and outages come out as typed errors with the time to wait.
 */
import { clip, limits } from "@postern/contracts";
import {
  AuthenticationHandler,
  Client,
  GraphError,
  HTTPMessageHandler,
} from "@microsoft/microsoft-graph-client";
import type { TokenCredential } from "@azure/identity";
import { ExactNumbers } from "./exact-numbers";
import { isObjectId } from "./object-id";
import { type GraphSource, SourceError } from "../../ports/source";
import type { Settings } from "../../settings";
import { deltaPageOf, memberPageOf, objectOf } from "./graph-response";

const MAX_MEMBER_PAGES = 200;
/**
 * Ten times what slow pages take. Without it a connection that is gone without a word holds its stream for as long as
 * the host lets a function run.
 */
const ANSWERED_WITHIN_MS = 60_000;
/** Marks our requests as background work: interactive callers of the tenant go first (facts: Graph throttling). */
const PRIORITY = { "x-ms-throttle-priority": "low" };
const EXPIRED_CODES = new Set(["syncStateNotFound", "resyncRequired", "syncStateInvalid"]);

export function createGraphSource(
  settings: Settings["graph"],
  credential: TokenCredential,
  now: () => number,
  answeredWithinMs = ANSWERED_WITHIN_MS,
): GraphSource {
  const { baseUrl, scope } = settings;
  const authentication = new AuthenticationHandler({
    getAccessToken: async () => {
      const token = await credential.getToken(scope);
      if (token === null) throw new SourceError("unavailable", "there is no token for Graph");
      return token.token;
    },
  });
  const exactNumbers = new ExactNumbers();
  exactNumbers.setNext(new HTTPMessageHandler());
  authentication.setNext(exactNumbers);
  const client = Client.initWithMiddleware({
    baseUrl: `${baseUrl}/`,
    defaultVersion: "v1.0",
    customHosts: new Set([new URL(baseUrl).hostname]),
    middleware: authentication,
  });
  const get = async (
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> => {
    try {
      return (await client
        .api(path)
        .headers({ ...PRIORITY, ...headers })
        .options({ signal: AbortSignal.timeout(answeredWithinMs) })
        .get()) as unknown;
    } catch (error) {
      throw sourceError(error, now());
    }
  };

  return {
    page: async (stream, select, link) => {
      const path = link ?? `/${stream}/delta?$select=${select.join(",")}`;
      return deltaPageOf(await get(path, { Prefer: "return=minimal" }), stream, select, baseUrl);
    },
    // Nothing has an id of another form; in a path it would ask for something else.
    object: async (type, id, select) => {
      if (!isObjectId(id)) return undefined;
      const names = select.filter((name) => name !== "manager" && name !== "members");
      const expand = select.includes("manager") ? "&$expand=manager($select=id)" : "";
      const path = `/${type}s/${encodeURIComponent(id)}?$select=${names.join(",")}${expand}`;
      const body = await unlessMissing(() => get(path));
      return body === undefined ? undefined : objectOf(body, type, select);
    },
    member: async (groupId, memberId) => {
      const absent = { id: memberId, memberType: null, present: false };
      if (!isObjectId(groupId)) return absent;
      let path = `/groups/${encodeURIComponent(groupId)}/members?$select=id&$top=999`;
      for (let page = 0; page < MAX_MEMBER_PAGES; page += 1) {
        const from = path;
        const body = await unlessMissing(() => get(from));
        if (body === undefined) return absent;
        const { members, nextLink } = memberPageOf(body);
        const found = members.find(({ id }) => id === memberId);
        if (found !== undefined) return found;
        if (nextLink === null) return absent;
        path = nextLink;
      }
      // What was not shown may be on a later page.
      throw new SourceError("refused", "the group has more members than are read one by one");
    },
  };
}

class Missing extends SourceError {}

async function unlessMissing(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Missing) return undefined;
    throw error;
  }
}

function sourceError(error: unknown, nowMs: number): SourceError {
  if (error instanceof SourceError) return error;
  if (!(error instanceof GraphError)) {
    return new SourceError("unavailable", "Microsoft Graph does not answer", { cause: error });
  }
  const { statusCode, code } = error;
  // Below zero: no answer came, and the reason lies in what went wrong on the way (name, token, connection).
  const text =
    statusCode < 0
      ? clip(`Microsoft Graph was not reached: ${error.message}`, limits.failureChars)
      : `Microsoft Graph answered ${statusCode} ${code ?? ""}`.trim();
  const retryAfterMs = retryAfter(error, nowMs);
  if (statusCode === 410 || EXPIRED_CODES.has(code ?? "")) {
    return new SourceError("expired", text, { cause: error });
  }
  if (statusCode === 429) {
    return new SourceError("throttled", text, { retryAfterMs, cause: error });
  }
  if (statusCode === 404) return new Missing("refused", text, { cause: error });
  // The client gives transport failures the status -1.
  if (statusCode < 0 || statusCode === 408 || statusCode >= 500) {
    return new SourceError("unavailable", text, { retryAfterMs, cause: error });
  }
  return new SourceError("refused", text, { cause: error });
}

/** Seconds or a date (RFC 9110). */
function retryAfter({ headers }: GraphError, nowMs: number): number | null {
  const value = headers?.get("retry-after");
  if (value === null || value === undefined || value === "") return null;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, 3_600_000) : null;
}
