import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseTenant, readTenant, TenantError, type TenantInput } from "../src/index";
import { bundledCommand } from "./bundled-command";
import { EmulatedTenant, temporaryDirectory } from "./emulated-tenant";
import { readRound } from "./delta-fold";

const file = path.join(temporaryDirectory(), "tenant.json");

function problemOf(content: unknown): string {
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  try {
    readTenant(file);
  } catch (error) {
    expect(error).toBeInstanceOf(TenantError);
    return error instanceof Error ? error.message : "";
  }
  throw new Error("the file was accepted");
}

test.each([
  ["not JSON", '{\n "users": [\n  {"id": }\n]}', /line 3, column 10/],
  ["cut off", '{"users": [', /line 1/],
  ["empty", "", /line 1/],
  ["no object", [], /the top level/],
  ["without groups", { users: [] }, /groups/],
  ["with a third list", { users: [], groups: [], devices: [] }, /devices/],
  ["users that are no array", { users: {}, groups: [] }, /users/],
  ["a user without id", { users: [{ displayName: "x" }], groups: [] }, /users\[0\]\.id/],
  ["a user that is null", { users: [null], groups: [] }, /users\[0\]/],
  ["an id that is a number", { users: [{ id: 7 }], groups: [] }, /users\[0\]\.id/],
  ["an id with a slash", { users: [{ id: "a/b" }], groups: [] }, /users\[0\]\.id/],
  [
    "a name that is a number",
    { users: [{ id: "a" }, { id: "b", displayName: 7 }], groups: [] },
    /users\[1\]\.displayName: must be a string or null/,
  ],
  [
    "a flag that is a string",
    { users: [{ id: "a", accountEnabled: "true" }], groups: [] },
    /users\[0\]\.accountEnabled: must be true or false or null/,
  ],
  [
    "phones that are a string",
    { users: [{ id: "a", businessPhones: "1" }], groups: [] },
    /users\[0\]\.businessPhones: must be an array of strings/,
  ],
  [
    "a manager that is a string",
    { users: [{ id: "a", manager: "b" }], groups: [] },
    /users\[0\]\.manager/,
  ],
  [
    "a manager without id",
    { users: [{ id: "a", manager: {} }], groups: [] },
    /users\[0\]\.manager\.id/,
  ],
  [
    "a member without id",
    { users: [], groups: [{ id: "g", members: [{ id: "a" }, {}] }] },
    /groups\[0\]\.members\[1\]\.id/,
  ],
  [
    "two users of one id",
    { users: [{ id: "A" }, { id: "a" }], groups: [] },
    /users\[1\]\.id: the same id 'a' is at users\[0\]\.id/,
  ],
  [
    "a user and a group of one id",
    { users: [{ id: "a" }], groups: [{ id: "a" }] },
    /groups\[0\]\.id/,
  ],
  [
    "two users of one name",
    {
      users: [
        { id: "a", userPrincipalName: "x@y.z" },
        { id: "b", userPrincipalName: "X@y.z" },
      ],
      groups: [],
    },
    /users\[1\]\.userPrincipalName/,
  ],
  [
    "a member twice",
    { users: [], groups: [{ id: "g", members: [{ id: "a" }, { id: "A" }] }] },
    /groups\[0\]\.members\[1\]\.id/,
  ],
])("a tenant file that is %s is refused with the place", (_, content, place) => {
  const problem = problemOf(content);
  expect(problem).toMatch(place);
  expect(problem).toContain(file);
});

test("a missing tenant file is refused by name, and at most twenty problems are listed", () => {
  expect(() => readTenant(`${file}.missing`)).toThrow(/tenant\.json\.missing/);
  const problem = problemOf({ users: Array.from({ length: 50 }, () => ({})), groups: [] });
  expect(problem).toContain("and 30 more");
});

test("the command line refuses a malformed tenant before anything starts", async () => {
  const data = path.join(temporaryDirectory(), "data");
  writeFileSync(file, '{"users": [{"id": 1}], "groups": []}');
  const run = promisify(execFile)(process.execPath, [
    await bundledCommand(),
    ...[
      "--issuer",
      "https://localhost:1/t/v2.0",
      "--certificates",
      data,
      "--data",
      data,
      "--tenant",
      file,
    ],
  ]);
  await expect(run).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("users[0].id"),
  });
  expect(existsSync(data)).toBe(false);
});

const exact: TenantInput = {
  users: [
    {
      id: "a",
      displayName: "Ärger O'Neill",
      department: "",
      jobTitle: null,
      badge: { colour: "red", doors: [1, null] },
    },
    {
      id: "b",
      displayName: "B",
      manager: { id: "a" },
      extension_0123456789abcdef0123456789abcdef_site: "North",
    },
    { id: "c", displayName: "C", manager: { id: "stranger" } },
  ],
  groups: [
    {
      id: "g",
      displayName: "G",
      members: [
        { id: "a" },
        { id: "h" },
        { id: "laptop", "@odata.type": "#microsoft.graph.device" },
        { id: "stranger" },
      ],
    },
    { id: "h", displayName: "H", description: "" },
  ],
};

let tenant: EmulatedTenant;
const dataDirectory = temporaryDirectory();
const select = "$select=displayName,department,jobTitle,badge,manager";

beforeAll(async () => {
  tenant = await EmulatedTenant.start({ seed: exact, dataDirectory });
});
afterAll(() => tenant.close());

test("null, empty, absent and unknown properties are kept exactly, and unknown ids are directory objects", async () => {
  const client = tenant.client();
  expect((await client.api(`/users?${select.replace(",manager", "")}`).get()).value).toEqual([
    {
      id: "a",
      displayName: "Ärger O'Neill",
      department: "",
      jobTitle: null,
      badge: { colour: "red", doors: [1, null] },
    },
    { id: "b", displayName: "B", department: null, jobTitle: null },
    { id: "c", displayName: "C", department: null, jobTitle: null },
  ]);
  const round = (await readRound(client, `/users/delta?${select}`)).pages.flat();
  expect(Object.assign({}, ...round.filter(({ id }) => id === "a"))).toEqual({
    id: "a",
    displayName: "Ärger O'Neill",
    department: "",
    jobTitle: null,
    badge: { colour: "red", doors: [1, null] },
  });
  expect(Object.assign({}, ...round.filter(({ id }) => id === "b"))).toEqual({
    id: "b",
    displayName: "B",
    "manager@delta": [{ "@odata.type": "#microsoft.graph.user", id: "a" }],
  });
  expect((await client.api("/groups/g/members").select("id").get()).value).toEqual([
    { "@odata.type": "#microsoft.graph.user", id: "a" },
    { "@odata.type": "#microsoft.graph.group", id: "h" },
    { "@odata.type": "#microsoft.graph.device", id: "laptop" },
    { "@odata.type": "#microsoft.graph.directoryObject", id: "stranger" },
  ]);
  expect(await client.api("/users/c/manager").get()).toMatchObject({
    "@odata.type": "#microsoft.graph.directoryObject",
    id: "stranger",
  });
});

test("on existing data the same tenant is ignored, and later changes stay", async () => {
  const { deltaLink } = await readRound(tenant.client(), `/users/delta?${select}`);
  await tenant.client().api("/users/b").patch({ department: "Changed by hand" });
  await tenant.restart({ seed: exact, dataDirectory });
  const { pages } = await readRound(tenant.client(), deltaLink, { Prefer: "return=minimal" });
  expect(pages).toEqual([[{ id: "b", department: "Changed by hand" }]]);
});

test("on existing data a different tenant becomes ordinary changes", async () => {
  const client = tenant.client();
  const people = (await readRound(client, `/users/delta?${select}`)).deltaLink;
  const memberships = (await readRound(client, "/groups/delta")).deltaLink;
  await tenant.restart({
    dataDirectory,
    seed: {
      users: [
        { id: "a", displayName: "Ärger O'Neill", department: "Law", jobTitle: null },
        { id: "b", displayName: "B", extension_0123456789abcdef0123456789abcdef_site: "North" },
        { id: "d", displayName: "D", manager: { id: "a" } },
      ],
      groups: [
        { id: "g", displayName: "G", members: [{ id: "h" }, { id: "d" }, { id: "laptop" }] },
        exact.groups[1] ?? { id: "h" },
      ],
    },
  });
  const changed = (await readRound(client, people, { Prefer: "return=minimal" })).pages.flat();
  const merged = new Map<string, object>();
  for (const item of changed) merged.set(item.id, { ...merged.get(item.id), ...item });
  expect(
    [...merged.values()].sort((x, y) => JSON.stringify(x).localeCompare(JSON.stringify(y))),
  ).toEqual(
    [
      { id: "a", department: "Law", badge: null },
      {
        id: "b",
        department: null,
        "manager@delta": [
          { "@odata.type": "#microsoft.graph.user", id: "a", "@removed": { reason: "deleted" } },
        ],
      },
      { id: "c", "@removed": { reason: "changed" } },
      {
        id: "d",
        displayName: "D",
        "manager@delta": [{ "@odata.type": "#microsoft.graph.user", id: "a" }],
      },
    ].sort((x, y) => JSON.stringify(x).localeCompare(JSON.stringify(y))),
  );
  const groups = (await readRound(client, memberships, { Prefer: "return=minimal" })).pages.flat();
  expect(groups).toHaveLength(1);
  expect(groups[0]).toMatchObject({ id: "g" });
  expect(
    (groups[0]?.["members@delta"] as { id: string; "@removed"?: unknown }[] | undefined)
      ?.map((link) => [link.id, "@removed" in link])
      .sort(),
  ).toEqual([
    ["a", true],
    ["d", false],
    ["stranger", true],
  ]);
});

test("going back to the first tenant restores what was deleted", async () => {
  const { deltaLink } = await readRound(tenant.client(), "/users/delta?$select=displayName");
  await tenant.restart({ seed: exact, dataDirectory });
  const changed = (await readRound(tenant.client(), deltaLink)).pages.flat();
  expect(changed).toContainEqual({ id: "c", displayName: "C" });
  expect(changed).toContainEqual({ id: "d", "@removed": { reason: "changed" } });
  expect((await tenant.client().api("/groups/g/members").get()).value).toHaveLength(4);
});

test("an id that comes back as another type leaves one collection and enters the other", async () => {
  const directory = temporaryDirectory();
  await tenant.restart({
    dataDirectory: directory,
    seed: { users: [{ id: "x" }], groups: [{ id: "g", members: [{ id: "x" }] }] },
  });
  const [users, groups] = [
    await readRound(tenant.client(), "/users/delta"),
    await readRound(tenant.client(), "/groups/delta"),
  ];
  await tenant.restart({
    dataDirectory: directory,
    seed: { users: [], groups: [{ id: "g" }, { id: "x", displayName: "X" }] },
  });
  expect((await readRound(tenant.client(), users.deltaLink)).pages).toEqual([
    [{ id: "x", "@removed": { reason: "deleted" } }],
  ]);
  const changed = (await readRound(tenant.client(), groups.deltaLink)).pages.flat();
  expect(changed).toContainEqual({ id: "x", displayName: "X" });
  expect(changed).toContainEqual({
    id: "g",
    "members@delta": [expect.objectContaining({ id: "x", "@removed": { reason: "deleted" } })],
  });
});

test("a data directory serves one process at a time, and a failed start leaves it free", async () => {
  const directory = temporaryDirectory();
  await tenant.restart({ dataDirectory: directory });
  await expect(EmulatedTenant.start({ dataDirectory: directory })).rejects.toThrow(/locked/);
  await tenant.restart({});
  const taken = Number(new URL(tenant.graph.graph).port);
  await expect(
    EmulatedTenant.start({ dataDirectory: directory, port: taken }),
  ).rejects.toMatchObject({ code: "EADDRINUSE" });
  await (await EmulatedTenant.start({ dataDirectory: directory })).close();
});

const explorer = path.join(__dirname, "../../../../../shared/tenants/graph-explorer.json");

(existsSync(explorer) ? test : test.skip)(
  "a tenant made by Microsoft is read, listed and folded unchanged",
  async () => {
    const seed = readTenant(explorer);
    const real = await EmulatedTenant.start({ seed });
    try {
      const { value } = (await real.client().api("/users").top(999).get()) as { value: unknown[] };
      expect(value).toEqual(seed.users);
      expect((await readRound(real.client(), "/users/delta")).pages.flat()).toHaveLength(
        seed.users.length,
      );
      expect(parseTenant("again", { users: value, groups: [] }).users).toEqual(seed.users);
    } finally {
      await real.close();
    }
  },
);
