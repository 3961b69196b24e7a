import type { Database } from "@azure/cosmos";
import { containers, ParkedRecord } from "@postern/contracts";
import type { ParkedStore } from "./parked-ports";
import { etagOf, queryAll } from "../azure/cosmos-operations";
import { documentContainer } from "../azure/document-container";
import { equalTo, keysetPage } from "../azure/keyset-page";

/** With bodies of up to 200 KB each, this many fit in the memory of an instance. */
const AT_ONCE = 50;

/** Container `parked`: work of a major version that no agent read yet. */
export function createParkedStore(database: Database): ParkedStore {
  const container = database.container(containers.parked);
  const records = documentContainer(container, ParkedRecord);
  return {
    add: async (parked) => {
      for (const record of parked) await records.create(record);
    },
    waiting: async (group, after = "") => {
      const documents = await queryAll(
        container,
        {
          query: `SELECT TOP ${AT_ONCE} * FROM c WHERE c.state = 'parked' AND c.id > @after ORDER BY c.id ASC`,
          parameters: [{ name: "@after", value: after }],
        },
        group,
      );
      return documents.map((document) => ({
        value: ParkedRecord.parse(document),
        etag: etagOf(document),
      }));
    },
    replace: async (record, etag) =>
      (await records.replace(record, record.group, etag)) !== undefined,
    list: (query, options) =>
      keysetPage(records, { ...equalTo({ ...query }), order: "ASC", ...options }),
    find: async (id) => {
      // Its group is not in the id; there is one of it, since a definition has one group.
      const [found] = await records.query({
        query: "SELECT TOP 1 * FROM c WHERE c.id = @id",
        parameters: [{ name: "@id", value: id }],
      });
      return found;
    },
  };
}
