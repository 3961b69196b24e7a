import type { AuditTrail } from "../../audit/audit-trail";
import { knownSync } from "../definitions/known-sync";
import { listHolds, releaseHolds } from "./held-items";
import { auditRelease } from "./release-audit";
import type { Handlers } from "../../http/endpoint";
import { afterOf, continuationOf } from "../../http/list-continuation";
import type { SyncPorts } from "../../ports/cloud-ports";

/** What the list of holds continues from. */
const idOfHold = /^[a-z]+:.+@\d+$/s;

export function holdHandlers(
  ports: SyncPorts & { readonly audit: AuditTrail },
): Pick<Handlers, "listHolds" | "releaseHolds"> {
  return {
    listHolds: async ({ params: { id }, query: { limit, continuation } }) => {
      await knownSync(ports, id);
      const list = `holds of ${id}`;
      const page = await listHolds(ports, id, {
        limit,
        continuation: afterOf(list, continuation, idOfHold),
      });
      return {
        status: 200,
        body: {
          items: page.items.map(({ id: holdId, definition, item, cause, reason, heldAt }) => ({
            id: holdId,
            definition,
            cause,
            reason,
            heldAt,
            entityType: item.entity.type,
            entityId: item.entity.id,
            version: item.version,
          })),
          continuation: continuationOf(list, page.continuation),
        },
      };
    },
    releaseHolds: async ({ params: { id }, body: { holds, reason }, caller, traceId }) => {
      await knownSync(ports, id);
      const { oid, azp, name } = caller;
      const order = { by: { oid, azp, name }, reason, traceId };
      await auditRelease(ports, { definition: id, holds }, order);
      return { status: 200, body: { released: await releaseHolds(ports, id, { holds }) } };
    },
  };
}
