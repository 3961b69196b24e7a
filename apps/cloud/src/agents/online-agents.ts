import type { GroupName } from "@postern/contracts";
import { type AgentRecord, isOnline } from "./agent";
import type { AgentStore } from "./agent-ports";
import type { WallClock } from "@postern/runtime";

const PAGE = 200;

/** The group's agents that have reported within the last heartbeats. */
export async function onlineAgents(
  ports: { readonly agents: Pick<AgentStore, "list">; readonly clock: WallClock },
  group: GroupName,
): Promise<AgentRecord[]> {
  const found: AgentRecord[] = [];
  let after: string | undefined;
  do {
    const page = await ports.agents.list({ limit: PAGE, after });
    const nowMs = ports.clock.now();
    found.push(...page.items.filter((agent) => agent.group === group && isOnline(agent, nowMs)));
    after = page.next ?? undefined;
  } while (after !== undefined);
  return found;
}
