import {
  type AgentId,
  AgentView,
  type Heartbeat,
  historyTtlSeconds,
  offlineAfterMs,
} from "@postern/contracts";
import { z } from "zod";

/**
 * An agent as the cloud knows it. The first heartbeat registers it and binds its id to the identity that sent it; from
 * then on only that identity speaks for it. While it is online no other identity can take over its id, nor can a
 * second machine with the same identity: two agents of one id would undo each other's leases.
 */
export const AgentRecord = AgentView.omit({ online: true }).extend({
  type: z.literal("agent"),
  identity: z.object({ oid: z.string(), azp: z.string() }),
  ttl: z.int().optional(),
});
export type AgentRecord = z.infer<typeof AgentRecord>;

export interface AgentIdentity {
  /** Object id of the service principal. */
  readonly oid: string;
  /** Client id of the program. */
  readonly azp: string;
}

export type HeartbeatDecision =
  | {
      readonly kind: "accepted";
      readonly record: AgentRecord;
      /** Null for an ordinary heartbeat. */
      readonly event: "registered" | "taken-over" | null;
    }
  | { readonly kind: "taken"; readonly detail: string };

export function decideHeartbeat(
  existing: AgentRecord | undefined,
  heartbeat: Heartbeat & { readonly id: AgentId },
  identity: AgentIdentity,
  now: number,
): HeartbeatDecision {
  const sameIdentity = existing !== undefined && isIdentity(existing, identity);
  if (existing !== undefined && isOnline(existing, now)) {
    if (!sameIdentity) {
      return {
        kind: "taken",
        detail: `Agent id '${heartbeat.id}' is in use by another identity. Choose another id, or stop that agent first.`,
      };
    }
    if (existing.host !== heartbeat.host) {
      return {
        kind: "taken",
        detail: `Agent id '${heartbeat.id}' is in use on host '${existing.host}'. Give each agent a different id, or stop that one first.`,
      };
    }
  }
  const at = new Date(now).toISOString();
  return {
    kind: "accepted",
    event: existing === undefined ? "registered" : sameIdentity ? null : "taken-over",
    record: {
      ...heartbeat,
      type: "agent",
      identity: { oid: identity.oid, azp: identity.azp },
      registeredAt: existing !== undefined && sameIdentity ? existing.registeredAt : at,
      lastSeenAt: at,
      // Counted from the last heartbeat: an agent that never comes back leaves the list.
      ttl: historyTtlSeconds,
    },
  };
}

export function isIdentity(agent: AgentRecord, identity: AgentIdentity): boolean {
  return agent.identity.oid === identity.oid && agent.identity.azp === identity.azp;
}

export function isOnline(agent: AgentRecord, now: number): boolean {
  return agent.state !== "stopping" && now - Date.parse(agent.lastSeenAt) < offlineAfterMs;
}

/** The agent as callers see it: not the identity that it is bound to. */
export function agentView(agent: AgentRecord, now: number): AgentView {
  const { type: _type, identity: _identity, ttl: _ttl, ...shown } = agent;
  return { ...shown, online: isOnline(agent, now) };
}
