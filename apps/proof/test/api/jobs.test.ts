import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBusClient } from "@azure/service-bus";
import { CosmosClient } from "@azure/cosmos";
import { databaseName, JobList, JobMessage, JobView, Problem, type Role } from "@postern/contracts";
import { type ApiServer, branch, groups, type Reply, startApiServer } from "../scenes/api-server";

let api: ApiServer;
const tokens = new Map<string, string>();

beforeAll(async () => {
  api = await startApiServer();
  const grant = async (name: string, roles: Role[]): Promise<void> => {
    tokens.set(name, await api.token(roles, name));
  };
  await Promise.all([
    grant("ops", ["Operator"]),
    grant("other-ops", ["Operator"]),
    grant("agents", ["Agent"]),
    grant("rogue", ["Agent"]),
  ]);
  for (const id of ["agent-1", "agent-2"]) expect((await beat(id)).status).toBe(200);
  expect((await beat("agent-p", { group: "plant" })).status).toBe(200);
});
afterAll(() => api.close());

const as = (
  caller: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> => api.request(method, path, { token: tokens.get(caller), body, headers });

function beat(id: string, more: object = {}, caller = "agents"): Promise<Reply> {
  return as(caller, "POST", `agents/${id}/heartbeat`, {
    group: "main",
    branch,
    host: `host-of-${id}`,
    version: "0.1.0",
    capabilities: [],
    startedAt: "2026-01-31T08:00:00.000Z",
    state: "running",
    targets: [],
    itemsFinished: 0,
    lanesHeld: 0,
    jobs: [],
    ...more,
  });
}

const order = (more: object = {}): object => ({
  kind: "target.test",
  group: "main",
  parameters: { target: "hr-db" },
  ...more,
});

async function makeJob(more: object = {}): Promise<JobView> {
  const reply = await as("ops", "POST", "jobs", order(more));
  expect(reply.status).toBe(202);
  return JobView.parse(reply.json);
}

const lease = (job: JobView, agent: string, caller = "agents"): Promise<Reply> =>
  as(caller, "POST", `jobs/${job.id}/attempts`, { agent });

const problemOf = (reply: Reply): Problem => Problem.parse(reply.json);

function jobsContainer() {
  return new CosmosClient({ endpoint: api.cosmos.endpoint, key: api.cosmos.key })
    .database(databaseName)
    .container("jobs");
}

describe("POST /api/jobs", () => {
  test("returns 202 with the job and its location, and queues the message to the group", async () => {
    const reply = await as("ops", "POST", "jobs", order({ timeoutSeconds: 90 }));
    const job = JobView.parse(reply.json);
    expect(reply.status).toBe(202);
    expect(reply.headers.get("location")).toBe(`/api/jobs/${job.id}`);
    expect(job).toMatchObject({ state: "queued", createdBy: "app:ops", timeoutSeconds: 90 });
    expect(Date.parse(job.deadline) - Date.parse(job.createdAt)).toBe(90_000);
    const shown = await as("ops", "GET", `jobs/${job.id}`);
    expect(shown.json).toEqual(job);
    const bus = new ServiceBusClient(api.serviceBus.connectionString);
    const queued = await bus.createReceiver("jobs-main").peekMessages(100);
    await bus.close();
    const own = queued.filter((message) => message.messageId === `${job.id}#1`);
    expect(own).toHaveLength(1);
    expect(JobMessage.parse(own[0]?.body)).toMatchObject({ jobId: job.id, kind: "target.test" });
  });

  test("carries the trace of its request to the agent, and into every problem", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const made = JobView.parse((await as("ops", "POST", "jobs", order(), headers)).json);
    const bus = new ServiceBusClient(api.serviceBus.connectionString);
    const queued = await bus.createReceiver("jobs-main").peekMessages(100);
    await bus.close();
    const message = queued.find(({ messageId }) => messageId === `${made.id}#1`);
    expect(message?.applicationProperties?.["cloudEvents:traceparent"]).toContain(traceId);
    const problem = problemOf(await as("ops", "POST", "jobs", {}, headers));
    expect(problem.traceId).toBe(traceId);
  });

  test("twenty concurrent requests with one Idempotency-Key make one job and one message", async () => {
    const headers = { "idempotency-key": "at-once" };
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => as("ops", "POST", "jobs", order(), headers)),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202));
    const ids = new Set(replies.map(({ json }) => JobView.parse(json).id));
    expect(ids.size).toBe(1);
    const [id] = ids;
    const bus = new ServiceBusClient(api.serviceBus.connectionString);
    const queued = await bus.createReceiver("jobs-main").peekMessages(200);
    await bus.close();
    expect(queued.filter(({ messageId }) => String(messageId).startsWith(`${id}#`))).toHaveLength(
      1,
    );
  });

  test("the same key with another request is 422; of another caller it is another key", async () => {
    const headers = { "idempotency-key": "mine" };
    const first = await as("ops", "POST", "jobs", order(), headers);
    const again = await as("ops", "POST", "jobs", order({ timeoutSeconds: 60 }), headers);
    // 60 is the default: the same request, said in full.
    expect(again.json?.["id"]).toBe(first.json?.["id"]);
    const changed = await as("ops", "POST", "jobs", order({ timeoutSeconds: 61 }), headers);
    expect(changed.status).toBe(422);
    expect(problemOf(changed)).toMatchObject({ code: "idempotency-mismatch" });
    expect(problemOf(changed).detail).toContain(String(first.json?.["id"]));
    const others = await as("other-ops", "POST", "jobs", order({ timeoutSeconds: 61 }), headers);
    expect(others.status).toBe(202);
    expect(others.json?.["id"]).not.toBe(first.json?.["id"]);
  });

  test("a crash between storing a job and sending it is repaired by the next look at it", async () => {
    const job = await makeJob();
    const container = jobsContainer();
    // What such a crash leaves: the document, with nothing noted as sent.
    const { resource } = await container.item(job.id, job.id).read<Record<string, unknown>>();
    const id = `${job.id}x`;
    await container.items.create({ ...resource, id, dispatchedAt: null });
    expect((await as("ops", "GET", `jobs/${id}`)).status).toBe(200);
    const bus = new ServiceBusClient(api.serviceBus.connectionString);
    const queued = await bus.createReceiver("jobs-main").peekMessages(200);
    await bus.close();
    expect(queued.map(({ messageId }) => messageId)).toContain(`${id}#1`);
    const after = await container.item(id, id).read<{ dispatchedAt: string }>();
    expect(after.resource?.dispatchedAt).toMatch(/^\d{4}-/);
  });
});

describe("GET /api/jobs", () => {
  test("pages through all jobs, newest first, each once, though new ones arrive meanwhile", async () => {
    for (let made = 0; made < 7; made += 1) await makeJob();
    const seen: string[] = [];
    let continuation: string | null = null;
    do {
      const from = continuation === null ? "" : `&continuation=${continuation}`;
      const reply = await as("ops", "GET", `jobs?limit=3${from}`);
      expect(reply.status).toBe(200);
      const items = JobView.array().parse(reply.json?.["items"]);
      expect(items.length).toBeLessThanOrEqual(3);
      seen.push(...items.map(({ id }) => id));
      continuation = JobList.parse(reply.json).continuation;
      if (seen.length === 3) await makeJob();
    } while (continuation !== null);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(seen.toSorted().reverse());
    expect(seen.length).toBeGreaterThanOrEqual(7);
  });
});

describe("POST /api/jobs/{id}/attempts", () => {
  test("gives the attempt to one of ten agents that request it concurrently", async () => {
    const job = await makeJob();
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, index) => lease(job, `agent-${(index % 2) + 1}`)),
    );
    const winners = replies.filter(({ status }) => status === 201);
    const holders = new Set(winners.map(({ json }) => json?.["agent"]));
    expect(holders.size).toBe(1);
    for (const { json } of winners) expect(json).toMatchObject({ attempt: 1, endedAt: null });
    for (const reply of replies.filter(({ status }) => status !== 201)) {
      expect(problemOf(reply)).toMatchObject({ status: 409, code: "attempt-held" });
    }
    expect((await as("ops", "GET", `jobs/${job.id}`)).json).toMatchObject({
      state: "running",
      attempts: [{ attempt: 1 }],
    });
  });

  test("gives its holder the same attempt again, since an answer may have been lost", async () => {
    const job = await makeJob();
    const first = await lease(job, "agent-1");
    expect(first.status).toBe(201);
    expect((await lease(job, "agent-1")).json).toEqual(first.json);
  });

  test("refuses an agent of another group, an unknown agent, and an id of someone else", async () => {
    const job = await makeJob();
    expect(problemOf(await lease(job, "agent-p"))).toMatchObject({ status: 403 });
    expect(problemOf(await lease(job, "agent-x"))).toMatchObject({ status: 409, code: "conflict" });
    const rogue = problemOf(await lease(job, "agent-1", "rogue"));
    expect(rogue).toMatchObject({ status: 403, code: "not-authorised" });
  });

  test("a job past its deadline reads as timed-out and can no longer be leased", async () => {
    const job = await makeJob();
    const container = jobsContainer();
    await container
      .item(job.id, job.id)
      .patch([{ op: "replace", path: "/deadline", value: "2026-01-01T00:00:00.000Z" }]);
    expect(problemOf(await lease(job, "agent-1"))).toMatchObject({ status: 409, code: "conflict" });
    const stored = await container.item(job.id, job.id).read<{ state: string; ttl: number }>();
    expect(stored.resource).toMatchObject({ state: "timed-out" });
    expect(stored.resource?.ttl).toBeGreaterThan(0);
    expect((await as("ops", "GET", `jobs/${job.id}`)).json).toMatchObject({
      state: "timed-out",
      result: { ok: false, code: "job-deadline" },
    });
  });

  test("a lease whose agent fell silent goes to another agent; one kept by heartbeats does not", async () => {
    const [lost, kept] = [await makeJob(), await makeJob()];
    for (const job of [lost, kept]) expect((await lease(job, "agent-1")).status).toBe(201);
    await beat("agent-1", { jobs: [{ jobId: kept.id, attempt: 1 }] });
    const container = jobsContainer();
    for (const { id } of [lost, kept]) {
      await container
        .item(id, id)
        .patch([{ op: "replace", path: "/leaseUntil", value: "2026-01-01T00:00:00.000Z" }]);
    }
    expect(problemOf(await lease(kept, "agent-2"))).toMatchObject({ code: "attempt-held" });
    expect((await lease(lost, "agent-2")).json).toMatchObject({ attempt: 2, agent: "agent-2" });
    // The first holder comes back and must stop only the job it lost.
    const jobs = [lost, kept].map(({ id }) => ({ jobId: id, attempt: 1 }));
    const told = await beat("agent-1", { jobs });
    expect(told.json).toMatchObject({ cancellations: [lost.id] });
  });
});

describe("POST /api/agents/{id}/heartbeat", () => {
  test("registers the agent, which is listed as online without what it is bound to", async () => {
    await beat("agent-new", { capabilities: ["postern.sync.apply.v1"] });
    const reply = await as("ops", "GET", "agents?limit=200");
    const items = reply.json?.["items"] as Record<string, unknown>[];
    const found = items.find(({ id }) => id === "agent-new");
    expect(found).toMatchObject({ online: true, group: "main", host: "host-of-agent-new" });
    expect(Object.keys(found ?? {})).not.toContain("identity");
    expect(items.map(({ id }) => id)).toEqual(items.map(({ id }) => id).toSorted());
  });

  test("refuses another identity, and a second host, while the agent is online", async () => {
    await beat("agent-live");
    const rogue = problemOf(await beat("agent-live", {}, "rogue"));
    expect(rogue).toMatchObject({ status: 409, code: "conflict" });
    expect(rogue.detail).toContain("another identity");
    const twin = problemOf(await beat("agent-live", { host: "elsewhere" }));
    expect(twin.detail).toContain("host-of-agent-live");
    expect((await beat("agent-live")).status).toBe(200);
  });

  test("lets an id go once its agent has said that it stops", async () => {
    await beat("agent-going", { state: "stopping" });
    expect((await beat("agent-going", { host: "elsewhere" })).status).toBe(200);
  });
});

describe("GET /api/deadletters", () => {
  test("lists newest first by page, filtered by state and group", async () => {
    const container = new CosmosClient({ endpoint: api.cosmos.endpoint, key: api.cosmos.key })
      .database(databaseName)
      .container("deadletters");
    for (let index = 0; index < 5; index += 1) {
      await container.items.create({
        id: `2026-01-0${index + 1}`,
        group: index % 2 === 0 ? groups[0]?.name : groups[1]?.name,
        state: index === 4 ? "replayed" : "open",
        ...{ source: "sync-main-hr-db", by: "agent", code: "target-rejected", reason: "too long" },
        ...{ definition: "people", target: "hr-db", entity: `user:${index}`, itemId: null },
        ...{ version: 1, messageId: null, cycleId: null, traceparent: null, attempts: [] },
        ...{ deliveryCount: 1, payload: "{}", payloadTruncated: false },
        deadLetteredAt: "2026-01-31T08:00:00.000Z",
      });
    }
    const ids = async (query: string): Promise<[string[], unknown]> => {
      const reply = await as("ops", "GET", `deadletters?${query}`);
      expect(reply.status).toBe(200);
      const items = reply.json?.["items"] as { id: string }[];
      return [items.map(({ id }) => id), reply.json?.["continuation"]];
    };
    const [first, next] = await ids("limit=2");
    expect(first).toEqual(["2026-01-05", "2026-01-04"]);
    expect((await ids(`limit=9&continuation=${String(next)}`))[0]).toEqual([
      "2026-01-03",
      "2026-01-02",
      "2026-01-01",
    ]);
    expect((await ids("state=open&group=main"))[0]).toEqual(["2026-01-03", "2026-01-01"]);
    expect((await ids("state=replayed&group=plant"))[0]).toEqual([]);
    const foreign = await as("ops", "GET", `deadletters?state=open&continuation=${String(next)}`);
    expect(foreign.status).toBe(400);
  });
});

describe("the audit trail", () => {
  test("keeps what people changed and what they were refused", async () => {
    await as("agents", "GET", "jobs");
    const { resources } = await new CosmosClient({
      endpoint: api.cosmos.endpoint,
      key: api.cosmos.key,
    })
      .database(databaseName)
      .container("audit")
      .items.query<Record<string, unknown>>("SELECT * FROM c ORDER BY c.id")
      .fetchAll();
    const actions = resources.map(({ action, decision, status }) => [action, decision, status]);
    expect(actions).toContainEqual(["createJob", "allowed", 202]);
    expect(actions).toContainEqual(["createJob", "allowed", 422]);
    expect(actions).toContainEqual(["listJobs", "denied", 403]);
    expect(resources.at(-1)).toMatchObject({ actor: { azp: "agents" }, subject: "jobs" });
  });
});
