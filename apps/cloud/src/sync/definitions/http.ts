import { applyDefinition } from "./apply-definition";
import { listCycles, viewCycle } from "../../cycles/cycle-views";
import type { SyncPorts } from "../../ports/cloud-ports";
import { startCycle } from "../streams/start-cycle";
import { viewSync } from "./view-sync";
import { knownSync } from "./known-sync";
import type { Handlers } from "../../http/endpoint";
import { afterOf, continuationOf } from "../../http/list-continuation";
import { invalidRequest, noSuch } from "../../http/request-error";

type SyncOperation = "listSyncs" | "getSync" | "putSync" | "startCycle" | "listCycles" | "getCycle";

/** What the list of cycles continues from. */
const timestamp = /^\d{4}-\d\d-\d\dT[\d:.]{5,20}Z$/;

export function syncHandlers(ports: SyncPorts): Pick<Handlers, SyncOperation> {
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
      const record = await knownSync(ports, id);
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
      await knownSync(ports, id);
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
  };
}
