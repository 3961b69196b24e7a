/** Dead letters and the audit trail over the fake services, for one simulated process. */
import {
  type DeadLetterPorts,
  type DeadLetterSink,
  type DeadLetterStore,
  indexedItem,
  type SyncPorts,
} from "@postern/cloud";
import type { DeadLetter } from "@postern/contracts";
import type { CloudWorld } from "./cloud-world";
import { askCosmos } from "./cosmos-wire";

type World = Pick<CloudWorld, "wire" | "stores">;

export function deadLetterSink(world: World): DeadLetterSink {
  const { deadLetters: container } = world.stores;
  return {
    add: (letters) =>
      askCosmos(world.wire, "write dead letters", () =>
        letters.forEach((letter) => container.write(letter.id, letter, undefined)),
      ),
    replayed: (itemId, messageId) =>
      askCosmos(world.wire, "read dead letters", () => {
        const found = [...container.documents.values()].filter(
          ({ value: { replay, itemId: item } }) =>
            replay !== undefined && (replay.messageId === messageId || item === itemId),
        );
        const numberOf = ({ replay }: DeadLetter): number => replay?.number ?? 0;
        return (
          found.find(({ value: { replay } }) => replay?.messageId === messageId) ??
          found.toSorted((a, b) => numberOf(b.value) - numberOf(a.value))[0]
        );
      }),
    replace: (letter, etag) =>
      askCosmos(world.wire, "write dead letters", (struck) => {
        const written = container.write(letter.id, letter, etag) !== undefined;
        return written && struck !== "conflict-with-itself";
      }),
  };
}

/** What the HTTP operations on dead letters are given. */
export function deadLetterPorts(world: World, ports: SyncPorts): SyncPorts & DeadLetterPorts {
  return {
    ...ports,
    indexedItem,
    letters: deadLetterStore(world),
    audit: {
      add: (entry) =>
        askCosmos(world.wire, "write audit", () => {
          if (!world.stores.audit.documents.has(entry.id)) world.stores.audit.put(entry.id, entry);
        }),
    },
  };
}

function deadLetterStore(world: World): DeadLetterStore {
  const { deadLetters: container } = world.stores;
  const page = (letters: readonly DeadLetter[], limit: number) => ({
    items: letters.slice(0, limit).map((letter) => ({ ...letter })),
    next: null,
  });
  return {
    list: (_query, { limit }) =>
      askCosmos(world.wire, "read dead letters", () =>
        page([...container.values()].toReversed(), limit),
      ),
    replayable: (_query, { limit, now }) =>
      askCosmos(world.wire, "read dead letters", () => {
        const all = [...container.values()];
        return page(
          all.filter((letter) => letter.state === "open" || isUnfinished(letter, now)),
          limit,
        );
      }),
    unfinished: ({ limit, now }) =>
      askCosmos(world.wire, "read dead letters", () =>
        [...container.values()]
          .filter((letter) => isUnfinished(letter, now))
          .sort((a, b) => claimOf(a).localeCompare(claimOf(b)))
          .slice(0, limit),
      ),
    groupsOf: (ids) =>
      askCosmos(world.wire, "read dead letters", () => {
        const found = new Map<string, string>();
        for (const id of ids) {
          const letter = container.documents.get(id)?.value;
          if (letter !== undefined) found.set(id, letter.group);
        }
        return found;
      }),
    read: (id) =>
      askCosmos(world.wire, "read dead letters", (struck) =>
        container.read(id, struck === "stale"),
      ),
    replace: (letter, etag) =>
      askCosmos(world.wire, "write dead letters", (struck) => {
        const written = container.write(letter.id, letter, etag);
        if (written === undefined || struck === "conflict-with-itself") return undefined;
        return container.read(letter.id);
      }),
  };
}

const claimOf = ({ replay }: DeadLetter): string => replay?.claimedUntil ?? "";

function isUnfinished({ state, replay }: DeadLetter, now: string): boolean {
  return state === "replayed" && replay?.sentAt === null && replay.claimedUntil <= now;
}
