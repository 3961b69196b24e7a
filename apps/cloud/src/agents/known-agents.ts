import { AgentId, type GroupName } from "@postern/contracts";
import type { WallClock } from "@postern/runtime";
import type { KnownAgents } from "../ports/known-agents";
import type { AgentStore } from "./agent-ports";

/** How long an answer is used again: a report a second would else be a read a second. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1_000;

/** Asks the store of agents once a minute for each agent that reports. */
export function knownAgents({
  agents,
  clock,
}: {
  readonly agents: Pick<AgentStore, "read">;
  readonly clock: WallClock;
}): KnownAgents {
  const answers = new Map<string, { readonly known: boolean; readonly untilMs: number }>();
  return {
    isKnown: async (group: GroupName, agent: string) => {
      const nowMs = clock.now();
      const name = `${group} ${agent}`;
      const before = answers.get(name);
      if (before !== undefined && before.untilMs > nowMs) return before.known;
      const id = AgentId.safeParse(agent).data;
      const record = id === undefined ? undefined : (await agents.read(id))?.value;
      const known = record?.group === group;
      // Names are the senders' to choose: what is remembered of them is bounded.
      if (answers.size >= MOST_REMEMBERED) answers.clear();
      answers.set(name, { known, untilMs: nowMs + REMEMBERED_MS });
      return known;
    },
  };
}
