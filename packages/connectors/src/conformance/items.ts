import {
  contentHash,
  DefinitionId,
  type EntityRef,
  itemIdOf,
  type TargetValue,
  Version,
  type WorkItem,
} from "@postern/contracts";
import type { ApplyItem } from "../connector";

export const definition = DefinitionId.parse("conformance");

interface Desired {
  readonly desired: WorkItem["desired"];
  readonly object: string;
  readonly key: Readonly<Record<string, TargetValue>>;
  readonly values: Readonly<Record<string, TargetValue>>;
}

export function applyItem(entity: EntityRef, version: number, desired: Desired): ApplyItem {
  const fenced = Version.parse(version);
  return {
    definition,
    item: {
      itemId: itemIdOf(definition, entity, fenced),
      entity,
      version: fenced,
      ...desired,
      hash: contentHash(desired),
    },
  };
}

export function person(
  id: string,
  version: number,
  values: Readonly<Record<string, TargetValue>> = {},
): ApplyItem {
  return applyItem({ type: "user", id }, version, {
    desired: "present",
    object: "people",
    key: { id },
    values: { upn: `${id}@contoso.example`, display_name: null, ...values },
  });
}

/** An item of an entity that shares its row with other entities. The row's `upn` shows which entity wrote it. */
export function claimant(
  entity: string,
  version: number,
  desired: "present" | "absent",
): ApplyItem {
  return applyItem({ type: "user", id: entity }, version, {
    desired,
    object: "people",
    key: { id: "shared" },
    values: desired === "present" ? { upn: entity } : {},
  });
}

export function noPerson(id: string, version: number): ApplyItem {
  return applyItem({ type: "user", id }, version, {
    desired: "absent",
    object: "people",
    key: { id },
    values: {},
  });
}

export function member(
  group: string,
  user: string,
  version: number,
  desired: WorkItem["desired"] = "present",
): ApplyItem {
  return applyItem({ type: "membership", id: `${group}/${user}` }, version, {
    desired,
    object: "group_members",
    key: { group_id: group, member_id: user },
    values: {},
  });
}
