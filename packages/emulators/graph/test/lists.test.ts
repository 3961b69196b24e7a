import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { PageIterator, type Client } from "@microsoft/microsoft-graph-client";
import { EmulatedTenant } from "./emulated-tenant";

const seed = {
  users: Array.from({ length: 250 }, (_, index) => ({
    id: `u${String(index).padStart(3, "0")}`,
    displayName: index % 50 === 0 ? "O'Brien" : `Person ${String(249 - index).padStart(3, "0")}`,
    userPrincipalName: `u${index}@example.com`,
    accountEnabled: index % 2 === 0,
    department: index % 3 === 0 ? null : index % 3 === 1 ? "Sales" : "R&D + Labs",
    otherMails: index === 7 ? ["seven@example.org"] : [],
    createdDateTime: `2020-01-${String(1 + (index % 28)).padStart(2, "0")}T00:00:00Z`,
    badge: index,
  })),
  groups: [
    {
      id: "g",
      displayName: "G",
      groupTypes: ["Unified"],
      members: Array.from({ length: 250 }, (_, index) => ({
        id: `u${String(index).padStart(3, "0")}`,
      })),
    },
  ],
};

let tenant: EmulatedTenant;
let client: Client;

beforeAll(async () => {
  tenant = await EmulatedTenant.start({ seed });
  client = tenant.client();
});
afterAll(() => tenant.close());

interface Page {
  readonly value: { readonly id: string }[];
  readonly "@odata.nextLink"?: string;
  readonly "@odata.count"?: number;
}

async function all(path: string): Promise<string[]> {
  const ids: string[] = [];
  const first = (await client.api(path).get()) as Page;
  await new PageIterator(client, first, (item: { id: string }) => ids.push(item.id) > 0).iterate();
  return ids;
}

test("the official page iterator walks a list in pages of 100, or of $top", async () => {
  const expected = seed.users.map(({ id }) => id);
  expect(((await client.api("/users").get()) as Page).value).toHaveLength(100);
  expect(((await client.api("/users").top(999).get()) as Page).value).toHaveLength(250);
  expect(await all("/users?$select=id")).toEqual(expected);
  expect(await all("/users?$select=id&$top=7")).toEqual(expected);
  expect(await all("/groups/g/members?$select=id&$top=99")).toEqual(expected);
});

test("a next link carries the whole query", async () => {
  const page = (await client
    .api("/users?$select=displayName&$filter=accountEnabled eq true&$top=3")
    .get()) as Page;
  const next = (await client.api(page["@odata.nextLink"] ?? "").get()) as Page;
  expect(next.value.map(({ id }) => id)).toEqual(["u006", "u008", "u010"]);
  expect(Object.keys(next.value[0] ?? {}).sort()).toEqual(["displayName", "id"]);
});

test.each([
  ["department eq 'Sales'", (index: number) => index % 3 === 1],
  [
    "department eq 'sales' and accountEnabled eq false",
    (index: number) => index % 3 === 1 && index % 2 === 1,
  ],
  ["department eq null", (index: number) => index % 3 === 0],
  ["displayName eq 'O''Brien'", (index: number) => index % 50 === 0],
  ["startsWith(displayName,'person 00')", (index: number) => 249 - index < 10 && index % 50 !== 0],
  [
    "startswith(displayName, 'O''') or userPrincipalName eq 'U3@EXAMPLE.COM'",
    (index: number) => index % 50 === 0 || index === 3,
  ],
  ["id in ('u001','u002', 'nobody')", (index: number) => index === 1 || index === 2],
  ["(id eq 'u001' or id eq 'u002') and accountEnabled eq true", (index: number) => index === 2],
  ["otherMails/any(x:x eq 'seven@example.org')", (index: number) => index === 7],
  ["otherMails/any(x: startswith(x,'seven'))", (index: number) => index === 7],
  ["createdDateTime ge 2020-01-27T00:00:00Z", (index: number) => index % 28 >= 26],
  ["badge lt 3", (index: number) => index < 3],
])("$filter=%s", async (filter, matches) => {
  expect(await all(`/users?$select=id&$filter=${encodeURIComponent(filter)}`)).toEqual(
    seed.users.filter((_, index) => matches(index)).map(({ id }) => id),
  );
});

test.each([
  "department ne 'Sales'",
  "not(department eq 'Sales')",
  "not startsWith(department,'Sales')",
  "endsWith(userPrincipalName,'@example.com')",
])("$filter=%s is an advanced query: it needs eventual consistency and a count", async (filter) => {
  const path = `/users?$filter=${encodeURIComponent(filter)}`;
  await expect(client.api(path).get()).rejects.toMatchObject({
    statusCode: 400,
    code: "Request_UnsupportedQuery",
  });
  const page = (await client
    .api(path)
    .header("ConsistencyLevel", "eventual")
    .count(true)
    .get()) as Page;
  expect(page["@odata.count"]).toBe(
    filter.startsWith("endsWith")
      ? 250
      : seed.users.filter(({ department }) => department !== "Sales").length,
  );
});

test.each([
  "department",
  "department eq",
  "department like 'x'",
  "eq 'x'",
  "(department eq 'x'",
  "department eq 'x",
  "shoeSize eq 1",
  "contains(department,'a')",
  `${"(".repeat(200)}id eq 'x'${")".repeat(200)}`,
  "department eq 'x' department eq 'y'",
  "id in ()",
])("$filter=%s is refused", async (filter) => {
  expect((await tenant.fetch(`users?$filter=${encodeURIComponent(filter)}`)).status).toBe(400);
});

test("$orderby sorts, over pages too", async () => {
  const names = (await all("/users?$orderby=displayName desc,id&$top=40&$select=id")).map(
    (id) => seed.users.find((user) => user.id === id)?.displayName ?? "",
  );
  expect(names).toEqual([...names].sort().reverse());
  expect(names).toHaveLength(250);
});

test("counts require eventual consistency", async () => {
  expect(await client.api("/users/$count").header("ConsistencyLevel", "eventual").get()).toBe(
    "250",
  );
  expect(
    await client.api("/groups/g/members/$count").header("ConsistencyLevel", "eventual").get(),
  ).toBe("250");
  await expect(client.api("/users/$count").get()).rejects.toMatchObject({ statusCode: 400 });
});

test("without $select Graph's defaults are returned, and properties of the seed", async () => {
  expect(await client.api("/users/u007").get()).toEqual({
    "@odata.context": `${tenant.graph.graph}/v1.0/$metadata#users/$entity`,
    businessPhones: [],
    displayName: "Person 242",
    givenName: null,
    jobTitle: null,
    mail: null,
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: null,
    surname: null,
    userPrincipalName: "u7@example.com",
    id: "u007",
    badge: 7,
  });
  expect(await client.api("/groups/g").get()).toMatchObject({
    displayName: "G",
    groupTypes: ["Unified"],
    securityEnabled: null,
    proxyAddresses: [],
  });
  expect(
    ((await client.api("/groups/g").expand("members").get()) as { members: unknown[] }).members,
  ).toHaveLength(20);
});
