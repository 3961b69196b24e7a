import type { Database } from "@azure/cosmos";
import { containers, Hold } from "@postern/contracts";
import type { HoldStore } from "../../ports/stores";
import { bulk, guarded, jsonBody } from "../../azure/cosmos-operations";
import { documentContainer } from "../../azure/document-container";
import { equalTo, keysetPage } from "../../azure/keyset-page";

/** Container `holds`: what the breaker keeps back, a document an entity. */
export function createHoldStore(database: Database): HoldStore {
  const container = database.container(containers.holds);
  const documents = documentContainer(container, Hold);
  const requireDone = (
    results: readonly { status: number }[],
    allowed: readonly number[],
  ): void => {
    for (const { status } of results) {
      if (status >= 300 && !allowed.includes(status)) {
        throw new Error(`Cosmos DB returned ${status} for the write of a hold`);
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
    list: async (definition, { limit, continuation: after }) => {
      const query = { ...equalTo({ definition }), order: "ASC" as const, limit, after };
      const { items, next } = await keysetPage(documents, query);
      return { items, continuation: next };
    },
  };
}
