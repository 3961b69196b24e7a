import {
  type AgentId,
  type Heartbeat,
  heartbeatIntervalMs,
  type HeartbeatReply,
  PosternError,
} from "@postern/contracts";
import { type AgentIdentity, decideHeartbeat, type HeartbeatDecision } from "./agent";
import type { AgentPorts } from "./agent-ports";

export interface HeartbeatOutcome {
  readonly reply: HeartbeatReply;
  /** Null for an ordinary heartbeat. */
  readonly event: Extract<HeartbeatDecision, { kind: "accepted" }>["event"];
  /** It has just registered, or reads what it did not read before. */
  readonly readsMore: boolean;
}

const MAX_TRIES = 5;

/**
 * Notes a heartbeat: registers the agent or renews it, and with it the leases of the jobs that it lists. Returns which
 * of those it must stop.
 *
 * @throws PosternError `conflict` when another agent uses the id
 */
export async function recordHeartbeat(
  ports: Pick<AgentPorts, "agents" | "clock" | "cancellations">,
  id: AgentId,
  heartbeat: Heartbeat,
  identity: AgentIdentity,
): Promise<HeartbeatOutcome> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const existing = await ports.agents.read(id);
    const now = ports.clock.now();
    const decision = decideHeartbeat(existing?.value, { ...heartbeat, id }, identity, now);
    if (decision.kind === "taken") throw new PosternError("conflict", decision.detail);
    const written =
      existing === undefined
        ? await ports.agents.create(decision.record)
        : await ports.agents.replace(decision.record, existing.etag);
    if (written === undefined) continue;
    return {
      event: decision.event,
      readsMore:
        decision.event !== null ||
        heartbeat.capabilities.some((each) => existing?.value.capabilities.includes(each) !== true),
      reply: {
        cancellations: await ports.cancellations(id, heartbeat.jobs, now),
        nextHeartbeatMs: heartbeatIntervalMs,
      },
    };
  }
  throw new PosternError("conflict", `Agent '${id}' sends several heartbeats at the same time.`);
}
