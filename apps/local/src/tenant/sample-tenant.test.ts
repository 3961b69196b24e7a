import { expect, test } from "@jest/globals";
import { sampleTenant } from "./sample-tenant";

test("the same seed gives the same company, another seed another", async () => {
  const [first, second, other] = await Promise.all([
    sampleTenant(60),
    sampleTenant(60),
    sampleTenant(60, 2),
  ]);
  expect(second).toEqual(first);
  expect(other.users[0]?.id).not.toBe(first.users[0]?.id);
});

test("five hundred people look like a company", async () => {
  const { users, groups } = await sampleTenant(500);
  const ids = new Set([...users, ...groups].map(({ id }) => id));
  expect(users).toHaveLength(500);
  expect(groups).toHaveLength(40);
  expect(ids.size).toBe(540);
  expect(new Set(users.map(({ userPrincipalName }) => userPrincipalName)).size).toBe(500);
  expect(users.filter(({ manager }) => manager === undefined).length).toBeLessThan(60);
  expect(users.every(({ manager }) => manager === undefined || ids.has(manager.id))).toBe(true);
  expect(users.some(({ accountEnabled }) => !accountEnabled)).toBe(true);
  expect(users.some(({ userType }) => userType === "Guest")).toBe(true);
  expect(users.some(({ mail }) => mail === null)).toBe(true);
  expect(users.some(({ department }) => department === "")).toBe(true);
  expect(users.some(({ displayName }) => displayName.includes("'"))).toBe(true);
  expect(users.some(({ displayName }) => /[^\u0020-\u007f]/.test(displayName))).toBe(true);
  const groupIds = new Set(groups.map(({ id }) => id));
  expect(groups.some(({ members }) => members.some(({ id }) => groupIds.has(id)))).toBe(true);
  expect(
    groups.every(({ members }) => new Set(members.map(({ id }) => id)).size === members.length),
  ).toBe(true);
});
