import { expect, test } from "@jest/globals";
import { type Route, Role } from "./route";
import { routes } from "./routes";

const all: readonly Route[] = routes;

test("routes and operations are each named once", () => {
  const places = all.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(places).size).toBe(places.length);
  expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
});

test("only health and the description of the interface are open to anyone", () => {
  expect(all.filter(({ roles }) => roles.length === 0).map(({ path }) => path)).toEqual([
    "health",
    "openapi.json",
  ]);
});

test("every role opens something, and agents reach only their own routes", () => {
  for (const role of Role.options) expect(all.some(({ roles }) => roles.includes(role))).toBe(true);
  const agents = all.filter(({ roles }) => roles.includes("Agent"));
  expect(agents.map(({ operationId }) => operationId)).toEqual(["leaseAttempt", "heartbeat"]);
  for (const { roles } of agents) expect(roles).toEqual(["Agent"]);
});

test("what changes something is never open to a mere reader", () => {
  for (const { method, roles } of all) if (method !== "GET") expect(roles).not.toContain("Reader");
});
