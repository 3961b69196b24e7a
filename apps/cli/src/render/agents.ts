import type { AgentView } from "@postern/contracts";
import type { View } from "../terminal";
import { toneOf } from "./colour";
import { table } from "./table";
import { count, relative } from "./time";

const stateOf = ({ online, state }: AgentView): string => (online ? state : "offline");

export function agentsTable(agents: readonly AgentView[], view: View): string {
  return table(
    [
      { title: "AGENT", value: ({ id }) => id, tone: () => "strong" },
      { title: "STATE", value: stateOf, tone: (agent) => toneOf(stateOf(agent)) },
      { title: "GROUP", value: ({ group }) => group, least: 6 },
      { title: "HOST", value: ({ host }) => host, least: 8 },
      { title: "VERSION", value: ({ version }) => version, least: 7 },
      { title: "TARGETS", value: targetsOf, tone: targetsTone, least: 12 },
      { title: "LANES", value: ({ lanesHeld }) => count(lanesHeld), align: "right" },
      { title: "DONE", value: ({ itemsFinished }) => count(itemsFinished), align: "right" },
      { title: "LAST SEEN", value: ({ lastSeenAt }) => relative(lastSeenAt, view.now) },
    ],
    agents,
    view,
  );
}

function targetsOf({ targets }: AgentView): string {
  return targets
    .map(({ name, state }) => (state === "reachable" ? name : `${name} (${state})`))
    .join(", ");
}

function targetsTone({ targets }: AgentView): "bad" | "none" {
  return targets.some(({ state }) => state === "unreachable") ? "bad" : "none";
}
