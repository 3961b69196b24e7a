import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type AgentId,
  type ErrorCode,
  type Heartbeat,
  type JobId,
  limits,
  problemOf,
} from "@postern/contracts";
import { HttpControlApi } from "./http-control-api";

let server: Server;
let answer: {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
};
beforeEach(async () => {
  server = createServer((request, response) =>
    request
      .resume()
      .on("end", () => response.writeHead(answer.status, answer.headers).end(answer.text)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const api = (token: () => Promise<string> = async () => "t") =>
  new HttpControlApi({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    token,
    timeoutMs: 2_000,
  });
const leased = (token?: () => Promise<string>) =>
  api(token).leaseAttempt("j1" as JobId, "vm-1" as AgentId);

const at = "2026-01-01T00:00:00.000Z";
const heartbeat = {
  ...{ group: "main", branch: "oslo", host: "h", version: "1", capabilities: [], startedAt: at },
  ...{ state: "running", targets: [], itemsFinished: 0, lanesHeld: 0, jobs: [] },
} as unknown as Heartbeat;
const proof = { key: "test-key", at, code: "A".repeat(43) };
const attempt = { attempt: 2, agent: "vm-1", leasedAt: at, leaseUntil: at, endedAt: null, proof };

test("a lease of a newer cloud is taken, with a field that this agent does not know", async () => {
  answer = { status: 201, text: JSON.stringify({ ...attempt, region: "north" }) };
  expect(await leased()).toEqual({ kind: "leased", attempt: 2, leaseUntil: at, proof });
});

test.each<[ErrorCode, string]>([
  ["attempt-held", "held"],
  ["not-found", "gone"],
  ["conflict", "conflict"],
])("a lease refused with the code %s: %s", async (code, kind) => {
  const problem = problemOf(code, "Why.");
  answer = { status: problem.status, text: JSON.stringify(problem) };
  expect(await leased()).toMatchObject({ kind });
});

test.each([
  ["404 of a function app that starts", 404, "<html>"],
  ["409 of a gateway", 409, "{}"],
  ["403 of the API", 403, JSON.stringify(problemOf("not-authorised", "Why."))],
])("a lease refused with a %s is an outage", async (_, status, text) => {
  answer = { status, text };
  await expect(leased()).rejects.toMatchObject({ name: "OutageError" });
});

test("a throttled heartbeat gives the time that the API asks for, and a reason within its limit", async () => {
  const problem = problemOf("throttled", "x".repeat(1_000));
  answer = { status: 429, text: JSON.stringify(problem), headers: { "retry-after": "3" } };
  const sent = api().heartbeat("vm-1" as AgentId, heartbeat);
  await expect(sent).rejects.toMatchObject({
    ...{ name: "OutageError", code: "throttled", retryAfterMs: 3_000 },
    message: expect.stringMatching(/^heartbeat: 429 throttled: x+$/),
  });
  await expect(sent).rejects.toHaveProperty("message.length", limits.failureChars);
});

test.each([
  ["no readable answer", "refused", "attempt: 201 no readable answer", { status: 201, text: "<" }],
  ["2 MiB", "unreachable", "longer than 1048576 bytes", { status: 201, text: " ".repeat(2 ** 21) }],
])("a lease answered with %s is an outage", async (_, code, message, given) => {
  answer = given;
  await expect(leased()).rejects.toMatchObject({
    ...{ name: "OutageError", code, message: expect.stringContaining(message) },
  });
});

test.each([
  ["cannot be had", () => Promise.reject(new Error("issuer is down")), "no token: issuer is down"],
  ["cannot be sent", async () => "CANARY\nCANARY", "the token is not one line"],
])("a token that %s is an outage", async (_, token, message) => {
  answer = { status: 201, text: JSON.stringify(attempt) };
  await expect(leased(token)).rejects.toMatchObject({
    ...{ name: "OutageError", code: "unreachable", message: expect.stringContaining(message) },
  });
  await expect(leased(token)).rejects.toThrow(expect.not.stringContaining("CANARY"));
});

test("no answer in time is an outage that says so", async () => {
  server.removeAllListeners("request");
  await expect(leased()).rejects.toMatchObject({ name: "OutageError", code: "timed-out" });
});
