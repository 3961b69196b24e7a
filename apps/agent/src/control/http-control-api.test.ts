import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type AgentId, type ErrorCode, type JobId, problemOf } from "@postern/contracts";
import { HttpControlApi } from "./http-control-api";

let server: Server;
let answer: { readonly status: number; readonly text: string };
beforeEach(async () => {
  server = createServer((request, response) =>
    request.resume().on("end", () => response.writeHead(answer.status).end(answer.text)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const leased = () =>
  new HttpControlApi({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    token: async () => "t",
    timeoutMs: 2_000,
  }).leaseAttempt("j1" as JobId, "vm-1" as AgentId);

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
