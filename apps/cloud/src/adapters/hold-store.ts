import type { Database } from "@azure/cosmos";
import { containers, Hold } from "@postern/contracts";
import type { HoldStore } from "../domain/ports";
import { bulk, guarded, jsonBody, queryPage } from "./cosmos-operations";

/** Container `holds`: what the breaker keeps back, a document an entity. */
export function createHoldStore(database: Database): HoldStore {
  const container = database.container(containers.holds);
  const requireDone = (
    results: readonly { status: number }[],
    allowed: readonly number[],
  ): void => {
    for (const { status } of results) {
      if (status >= 300 && !allowed.includes(status)) {
        throw new Error(`Cosmos DB answered ${status} to a write of a hold`);
      }
    }
  };
  return {
    put: async (holds) => {
      const results = await bulk(
        container,
        holds.map((hold) => ({
          operationType: "Upsert",
          partitionKey: hold.definition,
          resourceBody: jsonBody(hold),
        })),
      );
      requireDone(results, []);
    },
    remove: async (definition, ids) => {
      const results = await bulk(
        container,
        ids.map((id) => ({ operationType: "Delete", id, partitionKey: definition })),
      );
      requireDone(results, [404]);
    },
    get: async (definition, id) => {
      const { resource } = await guarded(() => container.item(id, definition).read<Hold>());
      return resource === undefined ? undefined : Hold.parse(resource);
    },
    list: async (definition, options) => {
      const { documents, continuation } = await queryPage(
        container,
        { query: "SELECT * FROM c ORDER BY c.heldAt DESC" },
        { partitionKey: definition, ...options },
      );
      return { items: documents.map((document) => Hold.parse(document)), continuation };
    },
  };
}
