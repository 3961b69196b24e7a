import { describe, expect, test } from "@jest/globals";
import { AgentId, AgentView, BranchId, GroupName, offlineAfterMs } from "@postern/contracts";
import { type AgentRecord, agentView, decideHeartbeat, isOnline } from "./agent";

const NOW = Date.parse("2026-01-31T08:00:00.000Z");
const beat = {
  id: AgentId.parse("agent-1"),
  group: GroupName.parse("main"),
  branch: BranchId.parse("north"),
  host: "vm-1",
  version: "0.1.0",
  capabilities: [],
  startedAt: "2026-01-31T07:00:00.000Z",
  state: "running" as const,
  targets: [],
  itemsFinished: 0,
  lanesHeld: 0,
  jobs: [],
};
const owner = { oid: "owner", azp: "agents" };
const stranger = { oid: "stranger", azp: "agents" };

function accepted(...call: Parameters<typeof decideHeartbeat>): {
  record: AgentRecord;
  event: string | null;
} {
  const decision = decideHeartbeat(...call);
  if (decision.kind !== "accepted") throw new Error(decision.detail);
  return decision;
}

const registered = accepted(undefined, beat, owner, NOW).record;

describe("decideHeartbeat", () => {
  test("the first one registers the agent and binds its id to the identity that sent it", () => {
    expect(accepted(undefined, beat, owner, NOW)).toMatchObject({
      event: "registered",
      record: { identity: owner, registeredAt: "2026-01-31T08:00:00.000Z" },
    });
  });

  test("later ones renew it and keep when it registered", () => {
    const later = accepted(registered, beat, owner, NOW + 10_000);
    expect(later.event).toBeNull();
    expect(later.record).toMatchObject({
      registeredAt: "2026-01-31T08:00:00.000Z",
      lastSeenAt: "2026-01-31T08:00:10.000Z",
    });
  });

  test("another identity takes an id over only when its agent is offline", () => {
    const whileOnline = decideHeartbeat(registered, beat, stranger, NOW + offlineAfterMs - 1);
    expect(whileOnline.kind).toBe("taken");
    expect(accepted(registered, beat, stranger, NOW + offlineAfterMs)).toMatchObject({
      event: "taken-over",
      record: { identity: stranger },
    });
  });

  test("the same identity on a second host waits as well: two agents of one id undo each other", () => {
    const twin = { ...beat, host: "vm-2" };
    expect(decideHeartbeat(registered, twin, owner, NOW + 1_000).kind).toBe("taken");
    expect(accepted(registered, twin, owner, NOW + offlineAfterMs).event).toBeNull();
  });

  test("a restart on the same host is not a second agent", () => {
    const restarted = { ...beat, startedAt: "2026-01-31T08:00:05.000Z" };
    expect(accepted(registered, restarted, owner, NOW + 6_000).event).toBeNull();
  });
});

test("an agent is offline after three missed heartbeats, or when it has said that it stops", () => {
  expect(isOnline(registered, NOW + offlineAfterMs - 1)).toBe(true);
  expect(isOnline(registered, NOW + offlineAfterMs)).toBe(false);
  expect(isOnline({ ...registered, state: "stopping" }, NOW)).toBe(false);
});

test("callers see the agent, not the identity it is bound to", () => {
  const view = agentView(registered, NOW);
  expect(AgentView.strict().safeParse(view).error).toBeUndefined();
});
