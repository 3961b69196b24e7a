import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { problemOf, routes } from "@postern/contracts";
import { z } from "zod";
import { ApiClient, type ApiClientOptions } from "./api-client";
import { nodeFetch } from "./node-fetch";
import { operationsOf, replyingWith } from "./operations";
import { TestServer } from "./test-server";

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.close());

const operations = operationsOf(routes);

const options = (more: Partial<ApiClientOptions> = {}): ApiClientOptions => ({
  baseUrl: `${server.url}/api`,
  fetch: nodeFetch,
  token: async () => "t",
  timeoutMs: 10_000,
  ...more,
});
const client = (more?: Partial<ApiClientOptions>) => new ApiClient(operations, options(more));

const at = "2026-01-01T00:00:00.000Z";
const proof = { key: "test-key", at, code: "A".repeat(43) };
const lease = { attempt: 1, agent: "vm-1", leasedAt: at, leaseUntil: at, endedAt: null, proof };
const job = { params: { id: "j1" }, body: { agent: "vm-1" } } as const;

describe("a request", () => {
  test("is what the route table says, with the token", async () => {
    server.replies(201, lease);
    expect(await client().call("leaseAttempt", job)).toEqual({
      status: 201,
      value: lease,
      raw: lease,
    });
    expect(server.requests).toMatchObject([
      {
        method: "POST",
        url: "/api/jobs/j1/attempts",
        body: '{"agent":"vm-1"}',
        headers: { authorization: "Bearer t", "content-type": "application/json" },
      },
    ]);
  });

  test("carries YAML and If-Match as they are", async () => {
    server.replies(412, problemOf("precondition-failed", "Changed since."));
    const sent = client().call("putSync", {
      params: { id: "people" },
      headers: { "if-match": '"e1"' },
      yaml: "id: Zoë\n",
    });
    await expect(sent).rejects.toMatchObject({ problem: { code: "precondition-failed" } });
    expect(server.requests).toMatchObject([
      {
        method: "PUT",
        body: "id: Zoë\n",
        headers: { "content-type": "application/yaml", "if-match": '"e1"' },
      },
    ]);
  });

  test("to a route that is open to anyone asks for no token and sends none", async () => {
    const health = { status: "degraded", version: "1", checks: [] };
    server.replies(503, health);
    const token = () => Promise.reject(new Error("asked"));
    const reply = await client({ token }).call("getHealth");
    expect([reply.status, reply.value]).toEqual([503, health]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  test.each(["two words", "line\nbreak", "é", ""])(
    "with the token %j is not sent",
    async (token) => {
      const sent = client({ token: async () => token }).call("getJob", { params: { id: "j1" } });
      await expect(sent).rejects.toMatchObject({ name: "UnsendableRequest", part: "token" });
      expect(server.requests).toEqual([]);
    },
  );

  test("with a line break in a header is not sent", async () => {
    const headers = { "if-match": '"a"\r\nx-forged: 1' };
    const body = { reason: "r" };
    const sent = client().call("replayDeadLetter", { params: { id: "d1" }, headers, body });
    await expect(sent).rejects.toMatchObject({ name: "UnsendableRequest", part: "header" });
    expect(server.requests).toEqual([]);
  });

  test("whose token cannot be had fails with what the token fails with", async () => {
    const fault = new Error("no token");
    const sent = client({ token: () => Promise.reject(fault) }).call("leaseAttempt", job);
    await expect(sent).rejects.toBe(fault);
  });
});

describe("a hostile server", () => {
  test("cannot send the token elsewhere by a redirect", async () => {
    const other = await TestServer.start();
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        server.replies(status, "", { location: `${other.url}/api/jobs/j1/attempts` });
        await expect(client().call("leaseAttempt", job)).rejects.toMatchObject({
          ...{ name: "ApiError", status, problem: undefined },
        });
      }
      expect(other.requests).toEqual([]);
      const viaFetch = client({ fetch }).call("leaseAttempt", job);
      await expect(viaFetch).rejects.toMatchObject({ name: "ApiUnreachable", kind: "connection" });
      expect(other.requests).toEqual([]);
    } finally {
      other.close();
    }
  });

  test.each([
    ["node:http", nodeFetch],
    ["the global fetch", fetch],
  ])("cannot fill the memory with a body without end, over %s", async (_, transport) => {
    let open = true;
    server.answer = (_request, response) => {
      response.on("close", () => (open = false));
      const more = (): void => void response.write("x".repeat(65_536), (error) => error ?? more());
      more();
    };
    const sent = client({ fetch: transport, maxReplyBytes: 1_000_000 }).call("leaseAttempt", job);
    await expect(sent).rejects.toMatchObject({ name: "ApiUnreachable", kind: "too-large" });
    for (let round = 0; open && round < 200; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(open).toBe(false);
  });

  test("takes no longer than the timeout, also when it sends a byte now and then", async () => {
    const drips: NodeJS.Timeout[] = [];
    server.answer = (_, response) => {
      response.writeHead(201);
      drips.push(setInterval(() => response.write(" "), 10));
    };
    const sent = client({ timeoutMs: 100 }).call("leaseAttempt", job);
    await expect(sent).rejects.toMatchObject({ name: "ApiUnreachable", kind: "timed-out" });
    server.answer = () => undefined;
    const unanswered = client({ timeoutMs: 50 }).call("leaseAttempt", job);
    await expect(unanswered).rejects.toMatchObject({ kind: "timed-out" });
    for (const drip of drips) clearInterval(drip);
  });

  test("that breaks the connection, before the reply or within it, is unreachable", async () => {
    server.answer = (request) => request.socket.destroy();
    const broken = { name: "ApiUnreachable", kind: "connection", code: "ECONNRESET" };
    await expect(client().call("leaseAttempt", job)).rejects.toMatchObject(broken);
    server.answer = (request, response) => {
      response.writeHead(201, { "content-length": 1_000 }).write('{"attempt":1', () => {
        request.socket.destroy();
      });
    };
    await expect(client().call("leaseAttempt", job)).rejects.toMatchObject(broken);
    const unreachable = client();
    server.close();
    await expect(unreachable.call("leaseAttempt", job)).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  test.each([
    ["truncated JSON", 201, '{"attempt":1,"leaseUntil":"2026-'],
    ["a page of HTML", 201, "<html></html>"],
    ["nothing", 201, ""],
    ["a success that the route does not have", 204, ""],
    ["the right body with the wrong success", 200, JSON.stringify(lease)],
    ["a field of another type", 201, JSON.stringify({ ...lease, attempt: "1" })],
  ])("that answers with %s is not understood", async (_, status, text) => {
    server.replies(status, text, { "content-type": "text/html" });
    const sent = client().call("leaseAttempt", job);
    await expect(sent).rejects.toMatchObject({
      ...{ name: "UnexpectedReply", status, request: "POST /api/jobs/j1/attempts" },
    });
  });

  test("changes no prototype by the names of its fields", async () => {
    server.replies(
      201,
      `{"__proto__":{"attempt":9},"constructor":1,${JSON.stringify(lease).slice(1)}`,
    );
    expect((await client().call("leaseAttempt", job)).value).toEqual(lease);
    expect(Object.hasOwn(Object.prototype, "attempt")).toBe(false);
  });
});

describe("a refusal", () => {
  test("gives its code, its fields, and how long to wait", async () => {
    const errors = [{ field: "$.agent", problem: "unknown", hint: "register it" }];
    server.replies(429, problemOf("throttled", "Slow down.", { errors }), { "retry-after": "7" });
    await expect(client().call("leaseAttempt", job)).rejects.toMatchObject({
      ...{ name: "ApiError", status: 429, retryAfterMs: 7_000 },
      problem: { code: "throttled", errors },
      message:
        "POST /api/jobs/j1/attempts answered 429: Slow down.\n$.agent: unknown (register it)",
    });
  });

  test.each(["Wed, 21 Oct 2026 07:28:00 GMT", "-5", "1e9", "", "Infinity"])(
    "with Retry-After %j does not say how long to wait",
    async (value) => {
      server.replies(429, "", { "retry-after": value });
      await expect(client().call("leaseAttempt", job)).rejects.toMatchObject({
        retryAfterMs: undefined,
      });
    },
  );

  test("with a code and fields of a newer cloud keeps the code", async () => {
    const problem = { ...problemOf("conflict", "Why."), code: "from-the-future" };
    server.replies(409, { ...problem, advice: ["wait"] });
    await expect(client().call("leaseAttempt", job)).rejects.toMatchObject({ problem });
  });

  test("without problem details shows the beginning of its body", async () => {
    server.replies(502, `<html>${"x".repeat(10_000)}`);
    const sent = client().call("leaseAttempt", job);
    await expect(sent).rejects.toMatchObject({ status: 502, problem: undefined });
    await expect(sent).rejects.toThrow(
      /^POST \/api\/jobs\/j1\/attempts answered 502: <html>x{494}$/,
    );
  });
});

describe("a list", () => {
  const letters = (more: Partial<ApiClientOptions> = {}) =>
    new ApiClient(
      {
        listJobs: replyingWith(
          operations.listJobs,
          z.strictObject({ items: z.array(z.number()), continuation: z.string().nullable() }),
        ),
      },
      options(more),
    );

  const numbers = (count: number): void => {
    server.answer = (request, response) => {
      const { searchParams } = new URL(request.url ?? "", server.url);
      const from = Number(searchParams.get("continuation") ?? 0);
      const to = Math.min(count, from + Number(searchParams.get("limit")));
      const items = Array.from({ length: to - from }, (_, index) => from + index);
      response.end(JSON.stringify({ items, continuation: to < count ? String(to) : null }));
    };
  };

  test("is read in pages of 200 until its end or the limit", async () => {
    numbers(450);
    const all = await letters().list("listJobs", {}, Infinity);
    expect([all.value.length, all.value.at(-1), all.more]).toEqual([450, 449, false]);
    const some = await letters().list("listJobs", {}, 250);
    expect([some.value.length, some.more]).toEqual([250, true]);
    expect(some.raw).toEqual({ items: some.value, continuation: "250" });
    expect(server.requests.map(({ url }) => url)).toEqual([
      ...["", "&continuation=200", "&continuation=400"].map((more) => `/api/jobs?limit=200${more}`),
      ...["/api/jobs?limit=200", "/api/jobs?limit=50&continuation=200"],
    ]);
  });

  test("that names the same page again and again ends", async () => {
    server.replies(200, { items: [], continuation: "again" });
    await expect(letters().list("listJobs", {}, 10)).rejects.toMatchObject({
      ...{ name: "RepeatedPage", request: "GET /api/jobs" },
    });
  });
});
