import type { Database } from "@azure/cosmos";
import { containers, DeadLetter } from "@postern/contracts";
import type { DeadLetterQuery, DeadLetterStore } from "./dead-letter-ports";
import { queryAll } from "../azure/cosmos-operations";
import { documentContainer } from "../azure/document-container";
import { equalTo, keysetPage } from "../azure/keyset-page";

/** Ids asked for in one query. */
const IDS_PER_QUERY = 100;

const UNFINISHED = `c.state = "replayed" AND IS_NULL(c.replay.sentAt) AND c.replay.claimedUntil <= @now`;

/** Container `deadletters` for people: reads what the queue consumers stored, and moves it on. Ids sort by time. */
export function createDeadLetterStore(database: Database): DeadLetterStore {
  const container = database.container(containers.deadLetters);
  const letters = documentContainer(container, DeadLetter);
  return {
    list: (query, options) =>
      keysetPage(letters, { ...conditions(query), order: "DESC", ...options }),
    replayable: (query, { limit, after, now }) => {
      const { where, parameters } = conditions(query);
      where.push(`(c.state = "open" OR (${UNFINISHED}))`);
      parameters.push({ name: "@now", value: now });
      return keysetPage(letters, { where, parameters, order: "ASC", limit, after });
    },
    unfinished: async ({ limit, now }) => {
      const rows = await queryAll(container, {
        query: `SELECT TOP @limit c.id, c["group"], c.definition FROM c WHERE ${UNFINISHED} ORDER BY c.replay.claimedUntil ASC`,
        parameters: [
          { name: "@limit", value: limit },
          { name: "@now", value: now },
        ],
      });
      return rows.map((row) => Unfinished.parse(row));
    },
    groupsOf: async (ids) => {
      const found = new Map<string, string>();
      for (let start = 0; start < ids.length; start += IDS_PER_QUERY) {
        const part = ids.slice(start, start + IDS_PER_QUERY);
        const rows = await queryAll(container, {
          query: `SELECT c.id, c["group"] FROM c WHERE ARRAY_CONTAINS(@ids, c.id)`,
          parameters: [{ name: "@ids", value: part }],
        });
        for (const row of rows) {
          const { id, group } = Place.parse(row);
          found.set(id, group);
        }
      }
      return found;
    },
    read: (id, group) => letters.read(id, group),
    replace: (letter, etag) => letters.replace(letter, letter.group, etag),
  };
}

const Place = DeadLetter.pick({ id: true, group: true });
const Unfinished = DeadLetter.pick({ id: true, group: true, definition: true });

function conditions({ state, group, code, definition, target }: DeadLetterQuery) {
  return equalTo({ state, group, code, definition, target });
}
