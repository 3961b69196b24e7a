import type { HoldList, SyncView } from "@postern/contracts";
import type { z } from "zod";
import type { View } from "../terminal";
import { cycleFacts } from "./cycles";
import { toneOf } from "./colour";
import { facts, table } from "./table";
import { count, relative } from "./time";

type Hold = z.infer<typeof HoldList>["items"][number];

function stateOf({ definition, inStep }: SyncView): string {
  if (!definition.enabled) return "disabled";
  return inStep ? "in step" : "behind";
}

export function syncsTable(syncs: readonly SyncView[], view: View): string {
  return table(
    [
      { title: "SYNC", value: ({ definition }) => definition.id, tone: () => "strong" },
      { title: "STATE", value: stateOf, tone: (sync) => toneOf(stateOf(sync)) },
      {
        title: "TARGET",
        value: ({ definition }) => `${definition.group}/${definition.target}`,
        least: 12,
      },
      { title: "MAPS", value: mapped, least: 8 },
      {
        title: "HELD",
        value: ({ heldItems }) => count(heldItems),
        align: "right",
        tone: ({ heldItems }) => (heldItems > 0 ? "warn" : "none"),
      },
      {
        title: "LAST CYCLE",
        value: ({ lastCycle }) =>
          lastCycle === null
            ? "none yet"
            : `${lastCycle.kind} ${lastCycle.state}, ${relative(lastCycle.startedAt, view.now)}`,
        tone: ({ lastCycle }) => toneOf(lastCycle?.state ?? ""),
        least: 12,
      },
    ],
    syncs,
    view,
  );
}

function mapped({ definition }: SyncView): string {
  const sections = ["users", "groups", "memberships"] as const;
  return sections.filter((name) => definition[name] !== undefined).join(", ");
}

export function syncText(sync: SyncView, view: View): string {
  const { definition, lastCycle } = sync;
  const sections = (["users", "groups", "memberships"] as const).flatMap((name) => {
    const mapping = definition[name];
    if (mapping === undefined) return [];
    const columns = Object.keys(mapping.columns);
    const text = `${mapping.object} by ${Object.keys(mapping.key).join(", ")}; ${columns.join(", ") || "no other columns"}`;
    return [[name, text] as const];
  });
  const { minimum, maximum, percent, windowHours } = definition.deletes;
  const head = facts(
    [
      ["sync", definition.id, "strong"],
      ...(definition.description === undefined ? [] : [["about", definition.description] as const]),
      ["state", stateOf(sync), toneOf(stateOf(sync))],
      ["target", `${definition.target}, worker group ${definition.group}`],
      ...sections,
      ["deletes", `held above max(${minimum}, min(${maximum}, ${percent} %)) in ${windowHours} h`],
      ["held", count(sync.heldItems), sync.heldItems > 0 ? "warn" : "none"],
      ["etag", sync.etag, "dim"],
    ],
    view,
  );
  return lastCycle === null ? head : `${head}\nLast cycle\n${cycleFacts(lastCycle, view)}`;
}

export function holdsTable(holds: readonly Hold[], view: View): string {
  return table(
    [
      { title: "ENTITY", value: ({ entityType }) => entityType },
      { title: "CAUSE", value: ({ cause }) => cause, tone: () => "warn", least: 8 },
      { title: "REASON", value: ({ reason }) => reason, least: 12 },
      { title: "HELD", value: ({ heldAt }) => relative(heldAt, view.now) },
    ],
    holds,
    view,
    ({ id }) => id,
  );
}
