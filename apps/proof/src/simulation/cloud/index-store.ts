import type { IndexStore } from "@postern/cloud";
import { entityKey, type IndexEntry } from "@postern/contracts";
import type { CloudWorld } from "./cloud-world";
import { cosmosFailure } from "./cosmos-wire";
import type { FakeContainer } from "../services/fake-container";

function indexText({ id, version, exists, desired, held, follow }: IndexEntry): string {
  const marks = [
    exists ? "there" : "gone",
    ...(desired === undefined ? [] : [`sent ${desired}`]),
    ...(held === undefined ? [] : [`held ${held}`]),
    ...(follow === undefined ? [] : [`follow ${follow}`]),
  ];
  return `${id}@${version} ${marks.join(" ")}`;
}

export function indexStore({ wire, stores, process, log }: CloudWorld): IndexStore {
  const of = (definition: string): FakeContainer<IndexEntry> => stores.index.of(definition);
  return {
    read: (definition, entities) =>
      wire.ask({
        service: "cosmos",
        operation: "read index",
        effect: (struck) => {
          const found = new Map<string, { value: IndexEntry; etag: string }>();
          for (const entity of entities) {
            const key = entityKey(entity);
            const entry = of(definition).read(key, struck === "stale");
            if (entry !== undefined) found.set(key, entry);
          }
          return found;
        },
        failure: cosmosFailure,
      }),
    // Never stale: what is only looked at has no etag to lose by, and rests on the account's strong consistency (ADR
    // 0009).
    standings: (definition, entities) =>
      wire.ask({
        service: "cosmos",
        operation: "read index",
        effect: () => {
          const found = new Map<string, IndexEntry>();
          for (const entity of entities) {
            const key = entityKey(entity);
            const entry = of(definition).read(key);
            if (entry !== undefined) found.set(key, entry.value);
          }
          return found;
        },
        failure: cosmosFailure,
      }),
    write: (writes) =>
      wire.ask({
        service: "cosmos",
        operation: "write index",
        effect: (struck) => {
          const etags = new Map<string, string>();
          let lost = false;
          // One transaction a lane: each is written as a whole or not at all.
          const lanes = [...Map.groupBy(writes, ({ entry }) => entry.lane).values()];
          for (const [position, lane] of lanes.entries()) {
            if (struck === "half" && position * 2 >= lanes.length) {
              throw cosmosFailure("throttling", undefined);
            }
            const container = of(definitionOf(lane[0]?.entry.lane));
            if (lane.some(({ entry, etag }) => container.documents.get(entry.id)?.etag !== etag)) {
              lost = true;
              continue;
            }
            log(
              () => `${process.name} index ${lane.map(({ entry }) => indexText(entry)).join(", ")}`,
            );
            for (const { entry } of lane) etags.set(entry.id, container.put(entry.id, entry));
          }
          return lost || struck === "conflict-with-itself" ? undefined : etags;
        },
        failure: cosmosFailure,
      }),
    membershipsOf: (definition, { groupIds, memberIds }) =>
      wire.ask({
        service: "cosmos",
        operation: "query index",
        effect: () =>
          [...of(definition).documents.values()]
            .filter(
              ({ value: { groupId, memberId } }) =>
                (groupId !== undefined && groupIds.includes(groupId)) ||
                (memberId !== undefined && memberIds.includes(memberId)),
            )
            .map(({ value, etag }) => ({ value: { ...value }, etag })),
        failure: cosmosFailure,
      }),
    leftBehind: (definition, types, { generation, comparedFrom }, limit) =>
      wire.ask({
        service: "cosmos",
        operation: "query index",
        effect: () =>
          [...of(definition).documents.values()]
            .filter(
              ({ value }) =>
                types.includes(value.entity.type) &&
                ((value.generation < generation &&
                  (value.exists || value.version > comparedFrom)) ||
                  (value.generation === generation && value.unseen !== undefined) ||
                  value.swept !== undefined),
            )
            .slice(0, limit)
            .map(({ value, etag }) => ({ value: { ...value }, etag })),
        failure: cosmosFailure,
      }),
    countHeld: (definition) =>
      wire.ask({
        service: "cosmos",
        operation: "query index",
        effect: () => [...of(definition).values()].filter(({ held }) => held !== undefined).length,
        failure: cosmosFailure,
      }),
  };
}

/** `people/03` → `people` */
function definitionOf(lane: string | undefined): string {
  return (lane ?? "").split("/")[0] ?? "";
}
