import type { DefinitionId } from "@postern/contracts";
import { applyDefinition, startCycle } from "./apply-definition";
import { listCycles, viewCycle, viewSync } from "../../cycles/cycle-views";
import { listHolds, releaseHolds } from "../holds/held-items";
import type { DefinitionRecord, Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import { auditRelease } from "../holds/release-audit";
import type { AuditTrail } from "../../audit/audit-trail";
import type { Handlers } from "../../http/endpoint";
import { afterOf, continuationOf } from "../../http/list-continuation";
import { invalidRequest, noSuch } from "../../http/request-error";

type SyncOperation =
  | "listSyncs"
  | "getSync"
  | "putSync"
  | "startCycle"
  | "listCycles"
  | "getCycle"
  | "listHolds"
  | "releaseHolds";

/** What the lists of cycles and of holds go on from. */
const timestamp = /^\d{4}-\d\d-\d\dT[\d:.]{5,20}Z$/;
const idOfHold = /^[a-z]+:.+@\d+$/s;

export function syncHandlers(
  ports: SyncPorts & { readonly audit: AuditTrail },
): Pick<Handlers, SyncOperation> {
  const known = async (id: DefinitionId): Promise<Stored<DefinitionRecord>> => {
    const record = await ports.definitions.get(id, { fresh: true });
    if (record === undefined) throw noSuch("sync definition", id);
    return record;
  };
  return {
    listSyncs: async ({ query: { limit, continuation } }) => {
      const after = afterOf("syncs", continuation);
      const all = await ports.definitions.list({ fresh: true });
      const rest = all.filter(({ value }) => after === undefined || value.id > after);
      const shown = rest.slice(0, limit);
      const next = rest.length > limit ? (shown.at(-1)?.value.id ?? null) : null;
      return {
        status: 200,
        body: {
          items: await Promise.all(shown.map((record) => viewSync(ports, record))),
          continuation: continuationOf("syncs", next),
        },
      };
    },
    getSync: async ({ params: { id } }) => {
      const record = await known(id);
      return {
        status: 200,
        body: await viewSync(ports, record),
        headers: { ETag: record.etag },
      };
    },
    putSync: async ({ params: { id }, body: definition, headers }) => {
      if (definition.id !== id) {
        throw invalidRequest([
          { field: "$.id", problem: `is '${definition.id}', but the path says '${id}'` },
        ]);
      }
      const { outcome, record } = await applyDefinition(ports, definition, {
        ifMatch: headers["if-match"],
      });
      return {
        status: outcome === "created" ? 201 : 200,
        body: await viewSync(ports, record),
        headers: { ETag: record.etag },
      };
    },
    startCycle: async ({ params: { id } }) => {
      const started = await startCycle(ports, id);
      if (started === undefined) throw noSuch("sync definition", id);
      const { cycleId, startedAt } = started;
      return {
        status: 202,
        body: { cycleId, definition: id, startedAt },
        headers: { Location: `/api/syncs/${id}/cycles/${cycleId}` },
      };
    },
    listCycles: async ({ params: { id }, query: { limit, continuation } }) => {
      await known(id);
      const list = `cycles of ${id}`;
      const page = await listCycles(ports, id, {
        limit,
        continuation: afterOf(list, continuation, timestamp),
      });
      return {
        status: 200,
        body: { items: page.items, continuation: continuationOf(list, page.continuation) },
      };
    },
    getCycle: async ({ params: { id, cycleId } }) => {
      const cycle = await viewCycle(ports, id, cycleId);
      if (cycle === undefined) throw noSuch(`cycle of '${id}'`, cycleId);
      return { status: 200, body: cycle };
    },
    listHolds: async ({ params: { id }, query: { limit, continuation } }) => {
      await known(id);
      const list = `holds of ${id}`;
      const page = await listHolds(ports, id, {
        limit,
        continuation: afterOf(list, continuation, idOfHold),
      });
      return {
        status: 200,
        body: {
          items: page.items.map(({ id: holdId, definition, item, cause, reason, heldAt }) => ({
            ...{ id: holdId, definition, cause, reason, heldAt },
            entityType: item.entity.type,
            entityId: item.entity.id,
            version: item.version,
          })),
          continuation: continuationOf(list, page.continuation),
        },
      };
    },
    releaseHolds: async ({ params: { id }, body: { holds, reason }, caller, traceId }) => {
      await known(id);
      const { oid, azp, name } = caller;
      const order = { by: { oid, azp, name }, reason, traceId };
      await auditRelease(ports, { definition: id, holds }, order);
      return { status: 200, body: { released: await releaseHolds(ports, id, { holds }) } };
    },
  };
}
