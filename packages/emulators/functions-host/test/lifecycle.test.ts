import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "@jest/globals";
import { buildSync } from "esbuild";
import { eventually, fixtureApp, openHandles, type FixtureApp } from "./fixture-app";

let fixture: FixtureApp;
afterEach(() => fixture.remove());
const settings = { ROUTE_FROM_SETTING: "from/setting" };

describe("limits", () => {
  test("a function that exceeds functionTimeout yields 500 and is no longer awaited", async () => {
    fixture = fixtureApp("http-app", { functionTimeout: "00:00:00.05" });
    const reasons: string[] = [];
    const host = await fixture.start({
      settings,
      onTimeout: "exit",
      onExit: (reason) => reasons.push(reason),
    });
    const response = await fetch(`${host.functions}/api/slow?ms=60000`);
    expect(response.status).toBe(500);
    expect(reasons).toEqual(["function slow timed out"]);
    expect(host.stats()).toMatchObject({ active: 0, timeouts: 1, "failures:slow": 1 });
    expect(
      fixture.log.some(({ message }) => message.includes("Timeout value of 50 ms exceeded")),
    ).toBe(true);
  });

  test("a function that exceeds the load balancer's limit yields 504 and continues", async () => {
    fixture = fixtureApp("http-app");
    const host = await fixture.start({ settings, httpResponseTimeoutMs: 20 });
    expect((await fetch(`${host.functions}/api/slow?ms=1000`)).status).toBe(504);
    expect(host.stats()).toMatchObject({ active: 1 });
    await eventually("the end", () => host.stats()["active"] === 0 || undefined);
    expect(host.stats()).toMatchObject({ failures: 0 });
  });

  test("requests wait beyond maxConcurrentRequests and are refused beyond maxOutstandingRequests", async () => {
    fixture = fixtureApp("http-app", {
      extensions: { http: { maxConcurrentRequests: 2, maxOutstandingRequests: 5 } },
    });
    const host = await fixture.start({ settings });
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => fetch(`${host.functions}/api/slow?ms=500`)),
    );
    const served = responses.filter(({ status }) => status === 200);
    expect(responses.filter(({ status }) => status === 429)).toHaveLength(3);
    for (const response of served) expect(await response.json()).toEqual({ peak: 2 });
  });
});

describe("drain", () => {
  test("close waits for running requests and returns 503 to new ones", async () => {
    fixture = fixtureApp("http-app");
    const host = await fixture.start({ settings });
    const running = fetch(`${host.functions}/api/slow?ms=1500`);
    await eventually("a running request", () => host.stats()["active"] === 1 || undefined);
    const closed = host.close();
    expect((await fetch(`${host.functions}/api/plain`)).status).toBe(503);
    const status = (await (await fetch(`${host.functions}/admin/host/status`)).json()) as {
      state: string;
    };
    expect(status.state).toBe("Stopping");
    expect((await running).status).toBe(200);
    await closed;
    await expect(fetch(`${host.functions}/api/plain`)).rejects.toThrow();
  });

  test("close gives up at the deadline", async () => {
    fixture = fixtureApp("http-app");
    const host = await fixture.start({ settings, drainMs: 20 });
    const running = fetch(`${host.functions}/api/slow?ms=60000`).catch(() => "cut off");
    await eventually("a running request", () => host.stats()["active"] === 1 || undefined);
    await host.close();
    expect(await running).toBe("cut off");
    expect(fixture.log.at(-1)?.message).toBe(
      "1 invocations were still running at the drain deadline.",
    );
  });

  test("nothing stays open after close", async () => {
    const before = openHandles();
    fixture = fixtureApp("http-app");
    const host = await fixture.start({ settings, dataDirectory: fixture.data });
    await (await fetch(`${host.functions}/api/plain`, { headers: { connection: "close" } })).text();
    await host.close();
    expect(process.env["ROUTE_FROM_SETTING"]).toBeUndefined();
    await eventually("no open handles", () => openHandles().join() === before.join() || undefined);
  });
});

describe("start", () => {
  test("keys are created once and kept in the data directory", async () => {
    fixture = fixtureApp("http-app");
    const first = await fixture.start({ settings, dataDirectory: fixture.data });
    await first.close();
    const second = await fixture.start({ settings, dataDirectory: fixture.data });
    expect(second.keys).toEqual(first.keys);
    const guarded = (key: string) =>
      fetch(`${second.functions}/api/guarded`, { headers: { "x-functions-key": key } });
    expect((await guarded(first.keys.default ?? "")).status).toBe(200);
    expect((await guarded("guess")).status).toBe(401);
  });

  test("settings given for the run win over the environment, and that over local.settings.json", async () => {
    fixture = fixtureApp("http-app");
    const Values = { ROUTE_FROM_SETTING: "local", FIXTURE_VALUE: "local", PATH: "local" };
    writeFileSync(
      path.join(fixture.directory, "local.settings.json"),
      JSON.stringify({ IsEncrypted: false, Values }),
    );
    const file = path.join(fixture.directory, "given.json");
    writeFileSync(file, JSON.stringify({ FIXTURE_VALUE: "file" }));
    const host = await fixture.start({ settingsFile: file });
    expect((await fetch(`${host.functions}/api/local`)).status).toBe(200);
    expect(await (await fetch(`${host.functions}/api/env`)).json()).toEqual({ value: "file" });
  });

  test("the list of functions has bindings, routes and whether each is disabled", async () => {
    fixture = fixtureApp("http-app");
    const host = await fixture.start({
      settings: { ...settings, "AzureWebJobs.disabled.Disabled": "1" },
    });
    const list = (await (await fetch(`${host.functions}/admin/functions`)).json()) as {
      name: string;
    }[];
    expect(list.find(({ name }) => name === "number")).toMatchObject({
      invoke_url_template: `${host.functions}/api/items/{id:int}`,
      isDisabled: false,
    });
    expect(list.find(({ name }) => name === "disabled")).toMatchObject({ isDisabled: true });
    const status = await (await fetch(`${host.functions}/admin/host/status`)).json();
    expect(status).toMatchObject({ state: "Running" });
  });

  test.each([
    ["host.json", { version: "1.0" }, "host-json-invalid"],
    ["host.json", { version: "2.0", functionTimeout: "soon" }, "host-json-invalid"],
    [
      "host.json",
      { version: "2.0", extensions: { serviceBus: { maxConcurrentCalls: 0 } } },
      "host-json-invalid",
    ],
    ["package.json", { main: "missing/*.js" }, "app-not-found"],
    ["package.json", { main: "host.json" }, "app-load-failed"],
  ])("a bad %s (%j) stops the start with %s", async (file, content, code) => {
    fixture = fixtureApp("http-app");
    writeFileSync(path.join(fixture.directory, file), JSON.stringify(content));
    await expect(fixture.start({ settings })).rejects.toMatchObject({ code });
  });

  test("an app that throws while it is loaded fails the start with its error", async () => {
    fixture = fixtureApp("http-app");
    writeFileSync(path.join(fixture.directory, "main.js"), "throw new Error('no such thing')");
    await expect(fixture.start()).rejects.toThrow("no such thing");
  });
});

describe("command line", () => {
  function bundle(): string {
    const outfile = path.join(path.dirname(fixture.directory), "cli.js");
    mkdirSync(path.dirname(outfile), { recursive: true });
    buildSync({
      entryPoints: [path.join(__dirname, "../src/cli.ts")],
      outfile,
      bundle: true,
      platform: "node",
      format: "cjs",
      external: ["@azure/functions-core", "@azure/identity"],
      logLevel: "error",
    });
    return outfile;
  }

  test("the process announces itself on one line of standard output, logs on standard error, and drains on SIGTERM", async () => {
    fixture = fixtureApp("hooks-app");
    const main = path.join(fixture.directory, "main.js");
    writeFileSync(main, `console.log("noise");${readFileSync(main, "utf8")}`);
    const child = spawn(
      process.execPath,
      [bundle(), "--app", fixture.directory, "--log-format", "json"],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const exited = once(child, "exit");
    const stderr: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const ready = JSON.parse(line) as { endpoints: { functions: string }; control: string };
    await fetch(`${ready.endpoints.functions}/api/logs`);
    expect(await (await fetch(`${ready.control}/stats`)).json()).toMatchObject({
      "invocations:logs": 1,
    });
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    expect(stderr[0]).toBe("noise");
    const entries = stderr.slice(1).map((text) => JSON.parse(text) as { message: string });
    expect(entries.map(({ message }) => message)).toContain("plain text");
  });

  test("with --on-timeout exit the process exits after a time-out, once it has replied", async () => {
    fixture = fixtureApp("http-app", { functionTimeout: "00:00:00.05" });
    const settingsFile = path.join(fixture.directory, "settings.json");
    writeFileSync(settingsFile, JSON.stringify(settings));
    const flags = ["--app", fixture.directory, "--settings", settingsFile, "--on-timeout", "exit"];
    const child = spawn(process.execPath, [bundle(), ...flags], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = once(child, "exit");
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { endpoints } = JSON.parse(line) as { endpoints: { functions: string } };
    expect((await fetch(`${endpoints.functions}/api/slow?ms=60000`)).status).toBe(500);
    expect(await exited).toEqual([1, null]);
  });

  test("a bad option ends the process with the reason", async () => {
    fixture = fixtureApp("hooks-app");
    const cli = bundle();
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [cli, "--port", "many"], (error, _, text) =>
        resolve({ code: error?.code, stderr: text }),
      );
    });
    expect(code).toBe(1);
    expect(stderr).toContain("--app DIR is required");
    expect(stderr).toContain("port");
  });
});
