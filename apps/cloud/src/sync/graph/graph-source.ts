/**
 * Microsoft Graph through its official client. Without the client's own retry handler: it sleeps as long as the service
 * asks, and a function must not sleep. Throttling and outages come out as typed errors with the time to wait.
 */
import { AuthenticationHandler, HTTPMessageHandler } from "@microsoft/microsoft-graph-client";
import type { TokenCredential } from "@azure/identity";
import { isObjectId } from "./object-id";
import { type GraphSource, SourceError } from "../../ports/source";
import type { Settings } from "../../settings";
import { graphRequests, Missing, refuseOtherOrigin } from "./graph-request";
import { deltaPageOf, memberPageOf, objectOf } from "./graph-response";

const MAX_MEMBER_PAGES = 200;
/**
 * Ten times what slow pages take. Without it a connection that is gone without a word holds its stream for as long as
 * the host lets a function run.
 */
const ANSWERED_WITHIN_MS = 60_000;

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
  authentication.setNext(new HTTPMessageHandler());
  const get = graphRequests({ baseUrl, middleware: authentication, now, answeredWithinMs });

  return {
    page: async (stream, select, link) => {
      const path = link ?? `/${stream}/delta?$select=${select.join(",")}`;
      const page = deltaPageOf(await get(path, { Prefer: "return=minimal" }), stream, select);
      // Before it is committed: the checkpoint would stand at a link that is never followed.
      refuseOtherOrigin(page.nextLink ?? page.deltaLink ?? "", baseUrl);
      return page;
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

async function unlessMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Missing) return undefined;
    throw error;
  }
}
