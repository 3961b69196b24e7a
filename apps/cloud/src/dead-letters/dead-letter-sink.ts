import type { Database } from "@azure/cosmos";
import { clip, containers, DeadLetter, limits } from "@postern/contracts";
import { masked } from "@postern/input";
import type { DeadLetterSink } from "../ports/stores";
import { bulk, jsonBody } from "../azure/cosmos-operations";
import { documentContainer } from "../azure/document-container";

/**
 * Container `deadletters`, written when an item is given up. An existing document may have been dealt with and is not
 * overwritten. Its id is made from the report that gave the item up; for one message only one report does (ADR 0010).
 */
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
      const results = await bulk(
        container,
        deadLetters.map((deadLetter) => ({
          operationType: "Create",
          partitionKey: deadLetter.group,
          resourceBody: jsonBody(withoutSecrets(deadLetter)),
        })),
      );
      for (const { status } of results) {
        if (status >= 300 && status !== 409) {
          throw new Error(`Cosmos DB returned ${status} for a dead letter`);
        }
      }
    },
  };
}

/** Reasons come from targets, brokers and Microsoft Graph, by way of agents that need not have masked them. */
function withoutSecrets(letter: DeadLetter): DeadLetter {
  return {
    ...letter,
    reason: clip(masked(letter.reason), limits.reasonChars),
    attempts: letter.attempts.map((attempt) => ({
      ...attempt,
      reason: clip(masked(attempt.reason), limits.failureChars),
    })),
  };
}
