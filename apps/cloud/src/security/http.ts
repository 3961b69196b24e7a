import type { SecurityEvent, SecurityEventView } from "@postern/contracts";
import type { Handlers } from "../http/endpoint";
import { afterOf, continuationOf } from "../http/list-continuation";
import type { SecurityEventStore } from "./security-event-store";

export function securityHandlers({
  security,
}: {
  readonly security: Pick<SecurityEventStore, "list">;
}): Pick<Handlers, "listSecurityEvents"> {
  return {
    listSecurityEvents: async ({ query: { limit, continuation, ...filter } }) => {
      const list = `security ${JSON.stringify(filter)}`;
      const page = await security.list(filter, { limit, after: afterOf(list, continuation) });
      return {
        status: 200,
        body: { items: page.items.map(view), continuation: continuationOf(list, page.next) },
      };
    },
  };
}

/** Without the message: it may carry codes, and people's data. */
function view({
  type: _type,
  digest: _digest,
  key: _key,
  ttl: _ttl,
  ...event
}: SecurityEvent): SecurityEventView {
  return { ...event, pending: event.pending !== undefined };
}
