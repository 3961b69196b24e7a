import { afterEach, expect, test } from "@jest/globals";
import { fixtureApp, type FixtureApp } from "./fixture-app";

let fixture: FixtureApp;
afterEach(() => fixture.remove());

async function text(url: string): Promise<string> {
  return (await fetch(url)).text();
}

test("hooks run around the app and around every invocation, and may change both", async () => {
  fixture = fixtureApp("hooks-app");
  const { functions } = await fixture.start();
  expect(await text(`${functions}/api/replaced`)).toBe("replaced by a hook");
  expect(await text(`${functions}/api/rescued`)).toBe("rescued by a hook");
  expect(JSON.parse(await text(`${functions}/api/events`))).toEqual([
    "appStart",
    "pre replaced",
    "post yes ok",
    "pre rescued",
    "post yes error",
    "pre events",
    "post yes ok",
  ]);
});

test("a function's log lines carry its name and invocation, pass the log hook and respect host.json", async () => {
  fixture = fixtureApp("hooks-app", {
    logging: { logLevel: { default: "Warning", "Function.logs": "Information" } },
  });
  const { functions } = await fixture.start();
  await text(`${functions}/api/logs`);
  const lines = fixture.log.map(({ level, message, functionName }) => ({
    level,
    message,
    functionName,
  }));
  expect(lines).toEqual([
    { level: "information", message: "plain text", functionName: "logs" },
    { level: "warning", message: "a ***\nin two lines", functionName: "logs" },
  ]);
  expect(fixture.log[0]?.invocationId).toMatch(/^[0-9a-f-]{36}$/);
});

test("the next host in the same process starts the app again", async () => {
  fixture = fixtureApp("hooks-app");
  const first = await fixture.start();
  await text(`${first.functions}/api/events`);
  await first.close();
  const second = await fixture.start();
  expect(JSON.parse(await text(`${second.functions}/api/events`))).toEqual([
    "appStart",
    "pre events",
    "post yes ok",
  ]);
});
