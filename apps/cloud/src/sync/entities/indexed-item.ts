/** The item that was last sent for an entity, made anew from the index: pure. */
import type { Version, WorkItem } from "@postern/contracts";
import type { IndexedItem, MakeIndexedItem } from "../../ports/indexed-item";
import { makeItem } from "../../work/work-messages";
import { compileDefinition, mapEntity, MappingFailure } from "../mapping/compiled-definition";
import { membershipProperties } from "./index-merge";

export const indexedItem: MakeIndexedItem = (definition, entry) => {
  if (entry?.desired === undefined || !entry.sent) return none("the index has not sent the entity");
  if (entry.held !== undefined) return none("the breaker holds the newest state of the entity");
  const mapping = compileDefinition(definition).mappings[entry.entity.type];
  if (mapping === undefined) return none("the definition no longer maps such entities");
  try {
    const { key, values } =
      entry.desired === "absent"
        ? { key: entry.targetKey ?? {}, values: {} }
        : mapEntity(
            mapping,
            entry.entity.type === "membership" ? membershipProperties(entry) : entry.source,
          );
    const state = { desired: entry.desired, object: mapping.object, key, values };
    const version = entry.version as Version;
    return { ok: true, item: makeItem(definition, entry.entity, version, state as WorkItem) };
  } catch (error) {
    if (error instanceof MappingFailure) return none(error.message);
    throw error;
  }
};

function none(problem: string): IndexedItem {
  return { ok: false, problem };
}
