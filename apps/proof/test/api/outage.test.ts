import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { ServiceBusClient } from "@azure/service-bus";
import { JobView, Problem } from "@postern/contracts";
import { type ApiServer, startApiServer } from "../scenes/api-server";
import { eventually } from "../scenes/platform-run";

let api: ApiServer;
let token: string;
beforeAll(async () => {
  api = await startApiServer();
  token = await api.token(["Operator"]);
});
afterEach(() => {
  api.cosmos.faults.clear();
  api.serviceBus.faults.clear();
});
afterAll(() => api.close());

test("while Cosmos does not answer, callers hear so and when to come back, and health is degraded", async () => {
  expect((await api.request("GET", "jobs", { token })).status).toBe(200);
  api.cosmos.faults.add({ kind: "refuse", status: 503 });
  const reply = await api.request("GET", "jobs", { token });
  expect(reply.status).toBe(503);
  expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
  const problem = Problem.parse(reply.json);
  expect(problem).toMatchObject({ code: "dependency-unavailable" });
  expect(problem.detail).not.toMatch(/127\.0\.0\.1|ECONN|Error/);
  const health = await api.request("GET", "health");
  expect(health.status).toBe(503);
  expect(health.json).toMatchObject({
    status: "degraded",
    checks: [{ name: "cosmos", ok: false }, { ok: true }, { ok: true }, { ok: true }],
  });
  api.cosmos.faults.clear();
  expect((await api.request("GET", "jobs", { token })).status).toBe(200);
});

test("while Service Bus does not accept messages, a job is still accepted, and the watch sends it later", async () => {
  api.serviceBus.faults.add({ kind: "refuse", operation: "send" });
  const reply = await api.request("POST", "jobs", {
    token,
    body: { kind: "target.test", group: "main", parameters: { target: "hr-db" } },
  });
  const job = JobView.parse(reply.json);
  expect([reply.status, job.state]).toEqual([202, "queued"]);
  api.serviceBus.faults.clear();
  const bus = new ServiceBusClient(api.serviceBus.connectionString);
  // No request reads the job, so only the timer can have sent it.
  const sent = await eventually("the job is sent", async () => {
    const messages = await bus.createReceiver("jobs-main").peekMessages(10);
    return messages.length > 0 && messages.map(({ messageId }) => messageId);
  });
  expect(sent).toEqual([`${job.id}#1`]);
  await bus.close();
}, 60_000);

test("an internal error shows only its trace id", async () => {
  api.cosmos.faults.add({ kind: "refuse", status: 400, times: 1 });
  const reply = await api.request("GET", "jobs", { token });
  expect(reply.status).toBe(500);
  const problem = Problem.parse(reply.json);
  expect(problem).toMatchObject({
    code: "internal",
    detail: "An internal error occurred; quote the trace id when you report it.",
  });
  // The reply can overtake the line that the child has written to its pipe.
  const { traceId } = problem;
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  await eventually("the trace id is in the log", async () => api.log().includes(String(traceId)));
});
