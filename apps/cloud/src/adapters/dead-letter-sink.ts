import type { Container, Database } from "@azure/cosmos";
import { containers, DeadLetter } from "@postern/contracts";
import type { DeadLetterSink } from "../domain/ports";
import { z } from "zod";
import { bulk, jsonBody, queryAll } from "./cosmos-operations";
import { documentContainer } from "./document-container";

const ITEMS_PER_QUERY = 100;

/** Container `deadletters`, written by whoever gives an item up. One that exists may have been dealt with: it stays. */
export function createDeadLetterSink(database: Database): DeadLetterSink {
  const container = database.container(containers.deadLetters);
  const letters = documentContainer(container, DeadLetter);
  return {
    replayed: async (itemId, messageId) => {
      const found = await letters.query({
        query: `SELECT * FROM c WHERE IS_DEFINED(c.replay) AND (c.itemId = @itemId OR c.replay.messageId = @messageId)`,
        parameters: [
          { name: "@itemId", value: itemId ?? "" },
          { name: "@messageId", value: messageId },
        ],
      });
      const place =
        found.find(({ replay }) => replay?.messageId === messageId) ??
        found.toSorted((a, b) => (b.replay?.number ?? 0) - (a.replay?.number ?? 0))[0];
      return place === undefined ? undefined : letters.read(place.id, place.group);
    },
    replace: async (letter, etag) =>
      (await letters.replace(letter, letter.group, etag)) !== undefined,
    add: async (deadLetters) => {
      const told = await alreadyTold(container, deadLetters);
      const fresh = deadLetters.filter((letter) => !told.has(telling(letter)));
      if (fresh.length === 0) return;
      const results = await bulk(
        container,
        fresh.map((deadLetter) => ({
          operationType: "Create",
          partitionKey: deadLetter.group,
          resourceBody: jsonBody(deadLetter),
        })),
      );
      for (const { status } of results) {
        if (status >= 300 && status !== 409) {
          throw new Error(`Cosmos DB answered ${status} to a dead letter`);
        }
      }
    },
  };
}

const Told = z.object({ itemId: z.string(), messageId: z.string() });

/** An item of a message; empty for what was no item. */
function telling({
  itemId,
  messageId,
}: {
  itemId: string | null;
  messageId: string | null;
}): string {
  return itemId === null || messageId === null ? "" : `${messageId} ${itemId}`;
}

/**
 * An agent that ends between its report and the settlement does the message again and reports it anew, at another time and
 * so under another id.
 */
async function alreadyTold(
  container: Container,
  deadLetters: readonly DeadLetter[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const [group, ofGroup] of Map.groupBy(deadLetters, (letter) => letter.group)) {
    const ids = [...new Set(ofGroup.flatMap(({ itemId }) => itemId ?? []))];
    for (let from = 0; from < ids.length; from += ITEMS_PER_QUERY) {
      const some = ids.slice(from, from + ITEMS_PER_QUERY);
      const names = some.map((_, index) => `@p${index}`);
      const spec = {
        // IN, since it is answered from the index; ARRAY_CONTAINS over a parameter is not.
        query: `SELECT c.itemId, c.messageId FROM c WHERE IS_STRING(c.messageId) AND c.itemId IN (${names.join(", ")})`,
        parameters: some.map((value, index) => ({ name: names[index] ?? "", value })),
      };
      const rows = await queryAll(container, spec, group);
      for (const row of rows) found.add(telling(Told.parse(row)));
    }
  }
  return found;
}
