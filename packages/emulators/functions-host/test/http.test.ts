import { request as rawRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { FunctionsHost } from "../src/index";
import { eventually, fixtureApp } from "./fixture-app";

const fixture = fixtureApp("http-app");
let host: FunctionsHost;
let api: string;

beforeAll(async () => {
  host = await fixture.start({
    settings: {
      ROUTE_FROM_SETTING: "from/setting",
      "AzureWebJobs.disabled.Disabled": "true",
      FIXTURE_VALUE: "given",
    },
    keys: {
      master: "the-master",
      host: { default: "the-host" },
      functions: { guarded: { default: "only-guarded" } },
    },
    maxBodyBytes: 100_000,
  });
  api = `${host.functions}/api`;
});
afterAll(() => fixture.remove());

async function hit(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(`${api}/${path}`, init);
  if (response.status !== 200) return { status: response.status };
  return (await response.json()) as Record<string, unknown>;
}

describe("routes", () => {
  test("a function without a route is served at its name, in any case", async () => {
    expect(await hit("plain")).toMatchObject({ name: "plain" });
    expect(await hit("PLAIN")).toMatchObject({ name: "plain" });
  });

  test.each([
    ["items/all", "literal", {}],
    ["items/42", "number", { id: "42" }],
    ["items/4x", "text", { id: "4x" }],
    ["items/a%20b", "text", { id: "a b" }],
    ["items/a/b/c", "rest", { path: "a/b/c" }],
    ["items", "rest", {}],
    ["pages", "optional", {}],
    ["pages/7", "optional", { page: "7" }],
    ["lists", "default", { size: "20" }],
    ["lists/5", "default", { size: "5" }],
    ["files/report.final.pdf", "mixed", { name: "report.final", ext: "pdf" }],
    ["from/setting", "setting", {}],
    ["ranged/3", "ranged", { n: "3" }],
  ])("GET %s runs %s", async (path, name, params) => {
    expect(await hit(path)).toMatchObject({ name, params });
  });

  test.each([
    "pages/x",
    "ranged/9",
    "files/plain",
    "disabled",
    "unknown",
    "../plain",
    "plain/more",
  ])("GET %s is not found", async (path) => {
    expect(await hit(path)).toEqual({ status: 404 });
  });

  test("the method selects between functions on one route, and an unknown method is 404 as in the service", async () => {
    expect(await hit("items/42", { method: "PUT" })).toMatchObject({ name: "put-item" });
    expect(await hit("items/42", { method: "DELETE" })).toEqual({ status: 404 });
    expect(await hit("plain", { method: "HEAD" })).toEqual({ status: 404 });
  });

  test("a path that cannot be decoded is a bad request", async () => {
    expect((await fetch(`${api}/items/%E0%A4%A`)).status).toBe(400);
  });
});

describe("requests", () => {
  test("repeated query parameters and headers reach the function joined by commas", async () => {
    expect(await hit("plain?a=1&a=2&b=%26")).toMatchObject({ query: { a: "1,2", b: "&" } });
    const headers = await new Promise<string>((resolve, reject) => {
      const request = rawRequest(
        `${api}/headers`,
        { headers: { "x-many": ["1", "2"] } },
        (response) => {
          let text = "";
          response
            .on("data", (chunk: Buffer) => (text += chunk.toString()))
            .on("end", () => resolve(text));
        },
      );
      request.on("error", reject).end();
    });
    expect(JSON.parse(headers)).toMatchObject({ "x-many": "1,2" });
  });

  test("bytes arrive unchanged", async () => {
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256));
    const response = await fetch(`${api}/echo`, {
      method: "POST",
      body: bytes,
      headers: { "content-type": "application/x-thing" },
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(response.headers.get("content-type")).toBe("application/x-thing");
  });

  test("a body over the limit is refused, with a content length or streamed", async () => {
    const announced = await fetch(`${api}/echo`, { method: "POST", body: Buffer.alloc(100_001) });
    expect(announced.status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 11; i += 1) controller.enqueue(new Uint8Array(10_000));
        controller.close();
      },
    });
    const streamed = await fetch(`${api}/echo`, {
      method: "POST",
      body: stream,
      duplex: "half",
    });
    expect(streamed.status).toBe(413);
    const fits = await fetch(`${api}/echo`, { method: "POST", body: Buffer.alloc(100_000) });
    expect((await fits.arrayBuffer()).byteLength).toBe(100_000);
  });

  test("the invocation is a child of the caller's trace", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const { trace } = await hit("plain", {
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: "k=v" },
    });
    expect(trace).toMatchObject({ traceState: "k=v" });
    const parent = (trace as { traceParent: string }).traceParent;
    expect(parent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(parent).not.toContain("b7ad6b7169203331");
  });

  test("a caller without a trace starts a new one", async () => {
    const { trace } = await hit("plain", { headers: { traceparent: "nonsense" } });
    expect((trace as { traceParent: string }).traceParent).toMatch(
      /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/,
    );
  });

  test("settings are in the environment of the app", async () => {
    expect(await hit("env")).toEqual({ value: "given" });
  });
});

describe("keys", () => {
  test.each([
    ["guarded", undefined, 401],
    ["guarded", "wrong", 401],
    ["guarded", "only-guarded", 200],
    ["guarded", "the-host", 200],
    ["guarded", "the-master", 200],
    ["guarded-too", "only-guarded", 401],
    ["for-admin", "the-host", 401],
    ["for-admin", "the-master", 200],
  ])("%s with key %s returns %i", async (name, key, status) => {
    const withHeader = await fetch(
      `${api}/${name}`,
      key === undefined ? {} : { headers: { "x-functions-key": key } },
    );
    expect(withHeader.status).toBe(status);
    const withQuery = await fetch(`${api}/${name}${key === undefined ? "" : `?code=${key}`}`);
    expect(withQuery.status).toBe(status);
  });
});

describe("responses", () => {
  test("status, headers and body are the function's", async () => {
    const response = await fetch(`${api}/teapot`);
    expect([response.status, response.headers.get("x-kind"), await response.text()]).toEqual([
      418,
      "pot",
      "short",
    ]);
  });

  test("HEAD gets the length and no body", async () => {
    const response = await fetch(`${api}/head`, { method: "HEAD" });
    expect([
      response.status,
      response.headers.get("content-length"),
      await response.text(),
    ]).toEqual([200, "12", ""]);
  });

  test("cookies are written in full", async () => {
    const response = await fetch(`${api}/cookies`);
    expect(response.headers.getSetCookie()).toEqual([
      "a=1%202; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
      "b=x; Expires=Wed, 02 Jan 2030 03:04:05 GMT; Secure",
    ]);
  });

  test("a function that returns nothing yields 204", async () => {
    expect((await fetch(`${api}/nothing`)).status).toBe(204);
  });

  test("a throw yields 500 without details, and the details are logged", async () => {
    const response = await fetch(`${api}/throws`);
    expect([response.status, await response.text()]).toEqual([500, ""]);
    const line = await eventually("the log line", () =>
      fixture.log.find(({ message }) => message.includes("the secret detail")),
    );
    expect(line).toMatchObject({ level: "error", functionName: "throws" });
    expect(host.stats()).toMatchObject({ "failures:throws": 1 });
  });

  test("a response that HTTP does not allow yields 500", async () => {
    expect((await fetch(`${api}/bad-header`)).status).toBe(500);
  });
});

describe("faults", () => {
  test("refuse replies without running the function", async () => {
    const before = host.stats()["invocations:plain"];
    host.faults.add({
      kind: "refuse",
      operation: "http",
      resource: "plain",
      times: 1,
      status: 502,
    });
    expect(await hit("plain")).toEqual({ status: 502 });
    expect(host.stats()["invocations:plain"]).toBe(before);
  });

  test("cut drops the connection before the function runs, lose-reply afterwards", async () => {
    const before = host.stats()["invocations:teapot"] ?? 0;
    host.faults.add({ kind: "cut", operation: "http", resource: "teapot", times: 1 });
    await expect(fetch(`${api}/teapot`)).rejects.toThrow();
    expect(host.stats()["invocations:teapot"]).toBe(before);
    host.faults.add({ kind: "lose-reply", operation: "http", resource: "teapot", times: 1 });
    await expect(fetch(`${api}/teapot`)).rejects.toThrow();
    expect(host.stats()["invocations:teapot"]).toBe(before + 1);
  });

  test("throttle returns when to retry", async () => {
    host.faults.add({
      kind: "throttle",
      operation: "http",
      resource: "plain",
      times: 1,
      retryAfterMs: 2000,
    });
    const response = await fetch(`${api}/plain`);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "2"]);
  });
});
