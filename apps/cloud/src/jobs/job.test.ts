import { describe, expect, test } from "@jest/globals";
import type { JobResultMessage } from "@postern/contracts";
import {
  AgentId,
  BranchId,
  GroupName,
  type JobId,
  jobModel,
  JobRequest,
  JobView,
  MessageId,
  TenantId,
} from "@postern/contracts";
import fc from "fast-check";
import type { AgentRecord } from "../agents/agent";
import {
  failJob,
  finishJob,
  isOver,
  jobLeaseMs,
  type JobRecord,
  jobsToStop,
  jobView,
  leaseJob,
  newJob,
  progressJob,
  settleJob,
} from "./job";
import { newJobId } from "./job-intake";
import { timeSortedId } from "@postern/runtime";

const START = Date.parse("2026-01-31T08:00:00.000Z");
const group = GroupName.parse("main");
const one = { id: AgentId.parse("agent-1"), group };
const two = { id: AgentId.parse("agent-2"), group };
const request = JobRequest.parse({
  kind: "target.test",
  group: "main",
  parameters: { target: "hr-db" },
  timeoutSeconds: 600,
});
const entities = JobRequest.parse({
  kind: "sync.entities",
  group: "main",
  parameters: { definition: "people", entities: [{ type: "user", id: "u1" }] },
});

const made = (of: JobRequest = request): JobRecord =>
  newJob({
    id: newJobId(START, () => 0.5),
    request: of,
    createdBy: "ada@example.com",
    traceparent: null,
    now: START,
  });

function leased(job: JobRecord, agent = one, now = START): JobRecord {
  const decision = leaseJob(job, agent, now);
  if (decision.kind !== "leased") throw new Error(decision.kind);
  return decision.job;
}

const result = (attempt: number, ok = true, agent = one): JobResultMessage => ({
  messageId: MessageId.parse("r1"),
  tenant: TenantId.parse("7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0002"),
  branch: BranchId.parse("north"),
  group,
  agent: agent.id,
  jobId: made().id,
  attempt,
  at: new Date(START).toISOString(),
  proof: { key: "test-key", at: "2026-01-01T00:00:00.000Z", code: "A".repeat(43) },
  result: { ok, detail: ok ? "Connected." : "Refused." },
});

const holder = (job: JobRecord, attempt: number, lastSeenMs: number, agent = one): AgentRecord => ({
  type: "agent",
  id: agent.id,
  group,
  branch: BranchId.parse("north"),
  host: "vm-1",
  version: "0.1.0",
  capabilities: [],
  startedAt: new Date(START).toISOString(),
  state: "running",
  targets: [],
  itemsFinished: 0,
  lanesHeld: 0,
  jobs: [{ jobId: job.id, attempt }],
  registeredAt: new Date(START).toISOString(),
  lastSeenAt: new Date(lastSeenMs).toISOString(),
  identity: { oid: "o", azp: "a" },
});

describe("a job that runs on an agent", () => {
  test("goes from queued through running to succeeded or failed, and closes its attempt", () => {
    const running = leased(made());
    expect(running).toMatchObject({ state: "running", attemptsMade: 1 });
    const ended = finishJob(running, result(1), START + 1_000);
    expect(ended).toMatchObject({ state: "succeeded", leaseUntil: null, result: { ok: true } });
    expect(ended.attempts[0]?.endedAt).toBe(new Date(START + 1_000).toISOString());
    expect(finishJob(running, result(1, false), START)).toMatchObject({ state: "failed" });
  });

  test("keeps its end: a second result, of any attempt, changes nothing", () => {
    const ended = finishJob(leased(made()), result(1), START);
    expect(finishJob(ended, result(1, false), START + 5)).toBe(ended);
    expect(finishJob(ended, result(2, false), START + 5)).toBe(ended);
  });

  test("ignores a result of an earlier attempt, of another agent, or from before it was leased", () => {
    const queued = made();
    expect(finishJob(queued, result(1), START)).toBe(queued);
    const again = leased(settleJob(leased(queued), START + jobLeaseMs, undefined), two, START);
    expect(again.attemptsMade).toBe(2);
    expect(finishJob(again, result(1), START)).toBe(again);
    expect(finishJob(again, result(2, true, one), START)).toBe(again);
    expect(finishJob(again, result(2, true, two), START).state).toBe("succeeded");
  });

  test("is queued again, and to be sent again, when its lease is lost", () => {
    const running = { ...leased(made()), dispatchedAt: new Date(START).toISOString() };
    expect(settleJob(running, START + jobLeaseMs - 1, undefined)).toBe(running);
    const queued = settleJob(running, START + jobLeaseMs, undefined);
    expect(queued).toMatchObject({ state: "queued", dispatchedAt: null, leaseUntil: null });
    expect(queued.attempts[0]?.endedAt).not.toBeNull();
  });

  test("stays with an agent whose heartbeats list the attempt, and only while they come", () => {
    const running = leased(made());
    const now = START + jobLeaseMs;
    const renewed = settleJob(running, now, holder(running, 1, now - 1_000));
    expect(renewed).toMatchObject({
      state: "running",
      leaseUntil: new Date(now - 1_000 + jobLeaseMs).toISOString(),
    });
    expect(settleJob(running, now, holder(running, 2, now)).state).toBe("queued");
    expect(settleJob(running, now, holder(running, 1, START)).state).toBe("queued");
    expect(settleJob(running, now, holder(running, 1, now, two)).state).toBe("queued");
  });

  test("fails after ten lost attempts instead of going through every agent", () => {
    let job = made();
    let now = START;
    while (!isOver(job) && job.attemptsMade < 50) {
      job = leased(job, one, now);
      now += jobLeaseMs;
      job = settleJob(job, now, undefined);
    }
    expect(job).toMatchObject({ state: "failed", attemptsMade: 10, result: { code: "poison" } });
  });

  test("is timed-out at its deadline, whether it was queued or running", () => {
    for (const job of [made(), leased(made(), one, START + 590_000)]) {
      expect(settleJob(job, START + 599_999, undefined).state).toBe(job.state);
      const ended = settleJob(job, START + 600_000, holder(job, 1, START + 600_000));
      expect(ended).toMatchObject({ state: "timed-out", result: { code: "job-deadline" } });
      expect(leaseJob(ended, one, START + 600_000)).toEqual({ kind: "over", state: "timed-out" });
    }
  });

  test("shows callers nothing but what the contract names", () => {
    expect(JobView.safeParse(jobView(leased(made()))).error).toBeUndefined();
  });

  test("never leaves its end and never has two holders, in any order of events", () => {
    const event = fc.oneof(
      fc.record({ on: fc.constant("lease" as const), agent: fc.constantFrom(one, two) }),
      fc.record({
        on: fc.constant("result" as const),
        agent: fc.constantFrom(one, two),
        attempt: fc.integer({ min: 1, max: 4 }),
        ok: fc.boolean(),
      }),
      fc.record({ on: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 100_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let job = made();
        let now = START;
        for (const happened of events) {
          const before = job;
          if (happened.on === "wait") now += happened.ms;
          job = settleJob(job, now, undefined);
          if (happened.on === "lease") {
            const decision = leaseJob(job, happened.agent, now);
            if (decision.kind === "leased") job = decision.job;
          }
          if (happened.on === "result") {
            job = finishJob(job, result(happened.attempt, happened.ok, happened.agent), now);
          }
          if (isOver(before)) expect(job).toEqual(before);
          const open = job.attempts.filter(({ endedAt }) => endedAt === null);
          expect(open.length).toBe(job.state === "running" ? 1 : 0);
          expect(jobModel.states).toContain(job.state);
        }
      }),
    );
  });
});

describe("a job that runs in the cloud", () => {
  test("runs from its first progress on, and ends when all its items are final", () => {
    const running = progressJob(
      made(entities),
      { expectedItems: 2, outcomes: { applied: 1, waiting: 1 }, complete: false },
      START,
    );
    expect(running).toMatchObject({ state: "running", expectedItems: 2 });
    const outcomes = { applied: 1, "dead-lettered": 1 };
    const ended = progressJob(running, { expectedItems: 2, outcomes, complete: true }, START);
    expect(ended).toMatchObject({
      state: "failed",
      outcomes,
      result: { ok: false, detail: "2 items: 1 applied, 1 dead-lettered." },
    });
    const late = { expectedItems: 2, outcomes: { applied: 2 }, complete: true };
    expect(progressJob(ended, late, START)).toBe(ended);
  });

  test("succeeds with nothing to do when none of its entities is in scope", () => {
    const nothing = { expectedItems: 0, outcomes: {}, complete: true };
    expect(progressJob(made(entities), nothing, START)).toMatchObject({
      state: "succeeded",
      result: { ok: true },
    });
  });

  test("has no lease to lose and none to give", () => {
    const running = progressJob(
      made(entities),
      { expectedItems: 1, outcomes: {}, complete: false },
      START,
    );
    expect(settleJob(running, START + 200_000, undefined)).toBe(running);
    expect(leaseJob(running, one, START)).toEqual({ kind: "cloud-runs-it" });
  });

  test("can fail before it has begun", () => {
    expect(failJob(made(entities), "There is no such sync definition.", START)).toMatchObject({
      state: "failed",
      result: { ok: false, detail: "There is no such sync definition." },
    });
  });
});

test("an agent stops what has ended, what is past its deadline, what another holds, and what is gone", () => {
  const id = (text: string): JobId => text as JobId;
  const as = (name: string, job: JobRecord): [JobId, JobRecord] => [id(name), job];
  const mine = leased(made());
  const known = new Map([
    as("mine", mine),
    as("ended", finishJob(mine, result(1), START)),
    as("theirs", leased(made(), two)),
    as("requeued", settleJob(mine, START + jobLeaseMs, undefined)),
  ]);
  const held = ["mine", "ended", "theirs", "requeued", "gone"].map((name) => ({
    jobId: id(name),
    attempt: 1,
  }));
  expect(jobsToStop(one.id, held, known, START)).toEqual(["ended", "theirs", "requeued", "gone"]);
  expect(jobsToStop(one.id, held.slice(0, 1), known, START + 600_000)).toEqual(["mine"]);
});

test("ids sort by the time at which they were made", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 44), fc.nat(2 ** 44), fc.nat(), (a, b, seed) => {
      let state = seed;
      const next = (): number => {
        state = (state * 48_271 + 11) % 2_147_483_647;
        return state / 2_147_483_647;
      };
      const [first, second] = [timeSortedId(a, next), timeSortedId(b, next)];
      expect(first).toHaveLength(25);
      if (a !== b) expect(first < second).toBe(a < b);
      else expect(first).not.toBe(second);
    }),
  );
});
