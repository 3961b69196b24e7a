import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Client } from "@microsoft/microsoft-graph-client";
import { EmulatedTenant } from "./emulated-tenant";
import { fold, readRound, type DeltaItem, type Folded } from "./delta-fold";

const ids = (kind: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${kind}-${String(index).padStart(5, "0")}`);
const userIds = ids("user", 450);
const crowd = ids("crowd", 2500);
const seed = {
  users: [
    ...userIds.map((id, index) => ({
      id,
      displayName: `Person ${index}`,
      userPrincipalName: `${id}@example.com`,
      department: index % 2 === 0 ? "" : null,
      ...(index === 0 ? {} : { manager: { id: userIds[Math.floor(index / 10)] ?? "" } }),
    })),
    ...crowd.map((id) => ({ id, displayName: id })),
  ],
  groups: [
    { id: "crowded", displayName: "Crowded", members: crowd.map((id) => ({ id })) },
    {
      id: "devices",
      displayName: "Devices",
      members: [{ id: "laptop-1", "@odata.type": "#microsoft.graph.device" }, { id: "crowded" }],
    },
    { id: "empty", displayName: "Empty" },
  ],
};

let tenant: EmulatedTenant;
let client: Client;

beforeAll(async () => {
  tenant = await EmulatedTenant.start({ seed });
  client = tenant.client();
});
afterAll(() => tenant.close());

const tracked = "/users/delta?$select=displayName,department,manager";
const minimal = { Prefer: "return=minimal" };
const latest = async (path: string): Promise<string> =>
  (await readRound(client, `${path}${path.includes("?") ? "&" : "?"}$deltatoken=latest`)).deltaLink;
const changes = async (link: string, headers = {}): Promise<DeltaItem[]> =>
  (await readRound(client, link, headers)).pages.flat();
const reference = (id: string) => ({
  "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${id}`,
});
const byId = (items: DeltaItem[], id: string): DeltaItem[] =>
  items.filter((item) => item.id === id);

test("a full round comes in pages of 200 and folds to the tenant; $top is ignored", async () => {
  const before = tenant.graph.stats();
  const { pages, deltaLink } = await readRound(client, `${tracked}&$top=5`);
  expect(pages.slice(0, -1).every((page) => page.length === 200)).toBe(true);
  const state = new Map<string, Folded>();
  fold(state, pages.flat());
  expect(
    Object.fromEntries(
      [...state].map(([id, { properties, related }]) => [
        id,
        { ...properties, manager: [...related] },
      ]),
    ),
  ).toEqual(
    Object.fromEntries(
      seed.users.map((user) => {
        const { id, displayName, department, manager } = {
          department: undefined as string | null | undefined,
          manager: undefined as { id: string } | undefined,
          ...user,
        };
        return [
          id,
          {
            displayName,
            ...(department === undefined ? {} : { department }),
            manager: manager === undefined ? [] : [manager.id],
          },
        ];
      }),
    ),
  );
  expect((await readRound(client, deltaLink)).pages).toEqual([[]]);
  const after = tenant.graph.stats();
  expect((after["pages"] ?? 0) - (before["pages"] ?? 0)).toBe(pages.length + 1);
  expect((after["requests.users.delta"] ?? 0) - (before["requests.users.delta"] ?? 0)).toBe(
    pages.length + 1,
  );
  expect((after["emptyPolls"] ?? 0) - (before["emptyPolls"] ?? 0)).toBe(1);
});

test("some users are split: the manager comes on another page than the rest", async () => {
  const { pages } = await readRound(client, tracked);
  const places = new Map<string, number[]>();
  pages.forEach((page, index) =>
    page.forEach(({ id }) => places.set(id, [...(places.get(id) ?? []), index])),
  );
  const split = [...places.values()].filter((pageNumbers) => pageNumbers.length > 1);
  expect(split.length).toBeGreaterThan(10);
  expect(split.some(([first, second]) => first !== second)).toBe(true);
});

test("links are absolute and opaque, carry the query options and refuse repeated ones", async () => {
  const first = (await client.api(tracked).get()) as Record<string, string>;
  const next = new URL(first["@odata.nextLink"] ?? "");
  expect(next.origin).toBe(tenant.graph.graph);
  expect([...next.searchParams.keys()]).toEqual(["$skiptoken"]);
  expect(first["@odata.context"]).toBe(
    `${tenant.graph.graph}/v1.0/$metadata#users(displayName,department,manager)`,
  );
  const second = (await client.api(next.href).get()) as { value: DeltaItem[] };
  expect(
    Object.keys(second.value[0] ?? {}).every((name) =>
      ["id", "displayName", "department", "manager@delta"].includes(name),
    ),
  ).toBe(true);
  await expect(client.api(`${next.href}&$select=mail`).get()).rejects.toMatchObject({
    statusCode: 400,
  });
});

test("the members of a large group are spread over pages that repeat the group, and other groups follow", async () => {
  const { pages } = await readRound(client, "/groups/delta");
  const sizes = pages.map((page) =>
    page.map((item) => [item.id, (item["members@delta"] as unknown[] | undefined)?.length ?? 0]),
  );
  expect(sizes).toEqual([
    [["crowded", 1000]],
    [["crowded", 1000]],
    [
      ["crowded", 500],
      ["devices", 2],
      ["empty", 0],
    ],
  ]);
  expect(pages[1]?.[0]).toMatchObject({ displayName: "Crowded" });
  expect(byId(pages.flat(), "devices")[0]?.["members@delta"]).toEqual([
    { "@odata.type": "#microsoft.graph.device", id: "laptop-1" },
    { "@odata.type": "#microsoft.graph.group", id: "crowded" },
  ]);
});

test("latest returns a link and no data", async () => {
  const { pages, deltaLink } = await readRound(client, `${tracked}&$deltatoken=latest`);
  expect(pages).toEqual([[]]);
  await client.api("/users/user-00001").patch({ department: "Sales" });
  expect((await changes(deltaLink)).map(({ id }) => id)).toEqual(["user-00001"]);
});

test("a changed user is returned with everything selected, with return=minimal only with the changes", async () => {
  const link = await latest("/users/delta?$select=displayName,department,jobTitle");
  await client.api("/users/user-00002").patch({ department: "Labs" });
  await client.api("/users/user-00003").patch({ mobilePhone: "1" });
  expect(await changes(link)).toEqual([
    { id: "user-00002", displayName: "Person 2", department: "Labs" },
  ]);
  expect(await changes(link, minimal)).toEqual([{ id: "user-00002", department: "Labs" }]);
  await client.api("/users/user-00002").patch({ department: null });
  expect(await changes(link, minimal)).toEqual([{ id: "user-00002", department: null }]);
  expect((await tenant.fetch(link, { headers: minimal })).headers.get("preference-applied")).toBe(
    "return=minimal",
  );
});

test("an update that changes nothing is not a change", async () => {
  const link = await latest(tracked);
  await client.api("/users/user-00004").patch({ displayName: "Person 4" });
  expect(await changes(link)).toEqual([]);
});

test("a changed manager shows the old one removed and the new one, a removed one only the removal", async () => {
  const link = await latest(tracked);
  await client.api("/users/user-00020/manager/$ref").put(reference("user-00009"));
  const changed = (await changes(link, minimal)).filter((item) => "manager@delta" in item);
  expect(changed).toEqual([
    {
      id: "user-00020",
      "manager@delta": [
        {
          "@odata.type": "#microsoft.graph.user",
          id: "user-00002",
          "@removed": { reason: "deleted" },
        },
        { "@odata.type": "#microsoft.graph.user", id: "user-00009" },
      ],
    },
  ]);
  const later = await latest(tracked);
  await client.api("/users/user-00020/manager/$ref").delete();
  expect((await changes(later, minimal))[0]?.["manager@delta"]).toEqual([
    { "@odata.type": "#microsoft.graph.user", id: "user-00009", "@removed": { reason: "deleted" } },
  ]);
  expect(await changes(await latest("/users/delta?$select=displayName"))).toEqual([]);
});

test("a soft deletion is reported as changed, a permanent one as deleted, and a restored user is returned whole", async () => {
  const link = await latest(tracked);
  await client.api("/users/user-00021").delete();
  expect(byId(await changes(link), "user-00021")).toEqual([
    { id: "user-00021", "@removed": { reason: "changed" } },
  ]);
  const { pages } = await readRound(client, tracked);
  expect(byId(pages.flat(), "user-00021")).toEqual([
    { id: "user-00021", "@removed": { reason: "changed" } },
  ]);
  const deleted = await latest(tracked);
  await client.api("/directory/deletedItems/user-00021/restore").post({});
  const whole = Object.assign(
    {},
    ...byId(await changes(deleted, minimal), "user-00021"),
  ) as DeltaItem;
  expect(whole).toEqual({
    id: "user-00021",
    displayName: "Person 21",
    department: null,
    "manager@delta": [{ "@odata.type": "#microsoft.graph.user", id: "user-00002" }],
  });
  await client.api("/users/user-00021").delete();
  await client.api("/directory/deletedItems/user-00021").delete();
  expect(byId(await changes(deleted), "user-00021")).toEqual([
    { id: "user-00021", "@removed": { reason: "deleted" } },
  ]);
});

test("deleting a user removes it from its groups and reports, restoring it restores both", async () => {
  const [people, memberships] = [
    await latest(tracked),
    await latest("/groups/delta?$select=members"),
  ];
  await client.api("/groups/empty/members/$ref").post(reference("user-00003"));
  const joined = await changes(memberships);
  expect(joined).toEqual([
    {
      id: "empty",
      "members@delta": [{ "@odata.type": "#microsoft.graph.user", id: "user-00003" }],
    },
  ]);
  await client.api("/users/user-00003").delete();
  const gone = {
    "@odata.type": "#microsoft.graph.user",
    id: "user-00003",
    "@removed": { reason: "deleted" },
  };
  expect(await changes(memberships)).toEqual([{ id: "empty", "members@delta": [gone] }]);
  const orphan = Object.assign(
    {},
    ...byId(await changes(people, minimal), "user-00030"),
  ) as DeltaItem;
  expect(orphan["manager@delta"]).toEqual([gone]);
  const [peopleLater, membershipsLater] = [
    await latest(tracked),
    await latest("/groups/delta?$select=members"),
  ];
  await client.api("/directory/deletedItems/user-00003/restore").post({});
  const back = { "@odata.type": "#microsoft.graph.user", id: "user-00003" };
  expect(await changes(membershipsLater)).toEqual([{ id: "empty", "members@delta": [back] }]);
  const adopted = Object.assign(
    {},
    ...byId(await changes(peopleLater, minimal), "user-00030"),
  ) as DeltaItem;
  expect(adopted["manager@delta"]).toEqual([back]);
});

test("only the filtered ids are tracked, at most 50, and no other filter is accepted", async () => {
  const of = (wanted: string[]) => wanted.map((id) => `id eq '${id}'`).join(" or ");
  const { pages, deltaLink } = await readRound(
    client,
    `/users/delta?$select=displayName&$filter=${of(["user-00005", "user-00006", "nobody"])}`,
  );
  expect(pages).toEqual([
    [
      { id: "user-00005", displayName: "Person 5" },
      { id: "user-00006", displayName: "Person 6" },
    ],
  ]);
  await client.api("/users/user-00005").patch({ displayName: "Renamed" });
  await client.api("/users/user-00007").patch({ displayName: "Unseen" });
  expect(await changes(deltaLink)).toEqual([{ id: "user-00005", displayName: "Renamed" }]);
  await expect(
    client.api(`/users/delta?$filter=${of(ids("user", 51))}`).get(),
  ).rejects.toMatchObject({ statusCode: 400 });
  await expect(
    client.api("/users/delta?$filter=displayName eq 'Person 5'").get(),
  ).rejects.toMatchObject({ statusCode: 400 });
});

test.each([
  "$expand=manager",
  "$orderby=displayName",
  "$search=x",
  "$select=shoeSize",
  "$deltatoken=junk",
  "$skiptoken=junk",
  "$select=id&$select=id",
])("a delta query with %s is refused", async (query) => {
  expect((await tenant.fetch(`users/delta?${query}`)).status).toBe(400);
});

test("a link for groups is refused for users, and a changed token is malformed", async () => {
  const link = await latest("/groups/delta");
  expect((await tenant.fetch(link.replace("/groups/", "/users/"))).status).toBe(400);
  const token = link.slice(link.indexOf("=") + 1);
  const at = token.length - 5;
  const forged = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
  const response = await tenant.fetch(`groups/delta?$deltatoken=${forged}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: "BadRequest", message: expect.stringContaining("Badly formed token") },
  });
});

test("after the tokens expire every link returns 410 with the address of a full round", async () => {
  const link = await latest(`${tracked}&$filter=id eq 'user-00008'`);
  const response = await fetch(`${tenant.graph.control}/actions/expire-tokens`, {
    method: "POST",
    body: JSON.stringify({ collection: "users" }),
  });
  expect(response.status).toBe(200);
  const gone = await tenant.fetch(link, { redirect: "manual" });
  expect(gone.status).toBe(410);
  expect(await gone.json()).toMatchObject({ error: { code: "syncStateNotFound" } });
  const again = await readRound(client, gone.headers.get("location") ?? "");
  expect(again.pages.flat().map(({ id }) => id)).toContain("user-00008");
  expect(await changes(again.deltaLink)).toEqual([]);
  expect(await changes(await latest("/groups/delta"))).toEqual([]);
});

test("tokens also expire by age, which a fresh link resets", async () => {
  let now = Date.now();
  const aged = await EmulatedTenant.start({
    seed: { users: [{ id: "a" }], groups: [] },
    maxTokenAgeMs: 150,
    nowMs: () => now,
  });
  try {
    let { deltaLink } = await readRound(aged.client(), "/users/delta");
    const old = deltaLink;
    for (let round = 0; round < 4; round += 1) {
      now += 60;
      ({ deltaLink } = await readRound(aged.client(), deltaLink));
    }
    expect((await aged.fetch(old)).status).toBe(410);
    expect((await aged.fetch(deltaLink)).status).toBe(200);
  } finally {
    await aged.close();
  }
});

test("with replication lag delta shows a change later than a read", async () => {
  let now = Date.now();
  const lagging = await EmulatedTenant.start({
    seed: { users: [{ id: "a", displayName: "A" }], groups: [] },
    replicationLagMs: 300,
    nowMs: () => now,
  });
  try {
    const { deltaLink } = await readRound(lagging.client(), "/users/delta");
    await lagging.client().api("/users/a").patch({ displayName: "B" });
    expect(await lagging.client().api("/users/a").get()).toMatchObject({ displayName: "B" });
    const early = await readRound(lagging.client(), deltaLink);
    expect(early.pages).toEqual([[]]);
    now += 350;
    expect((await readRound(lagging.client(), early.deltaLink)).pages.flat()).toMatchObject([
      { id: "a", displayName: "B" },
    ]);
  } finally {
    await lagging.close();
  }
});

test("with replay earlier changes are repeated", async () => {
  const replaying = await EmulatedTenant.start({
    seed: { users: [{ id: "a" }, { id: "b" }], groups: [] },
    replay: 1,
  });
  try {
    const { deltaLink } = await readRound(replaying.client(), "/users/delta?$deltatoken=latest");
    await replaying.client().api("/users/a").patch({ displayName: "A" });
    const first = await readRound(replaying.client(), deltaLink);
    const second = await readRound(replaying.client(), first.deltaLink);
    expect(second.pages.flat()).toContainEqual({ id: "a", displayName: "A" });
  } finally {
    await replaying.close();
  }
});

test("the official client waits for Retry-After when delta throttles, and continues", async () => {
  const before = tenant.graph.stats()["throttled"] ?? 0;
  tenant.graph.faults.add({
    kind: "throttle",
    operation: "users.delta",
    times: 1,
    retryAfterMs: 1000,
  });
  const started = performance.now();
  await readRound(client, "/users/delta?$deltatoken=latest");
  expect(performance.now() - started).toBeGreaterThan(900);
  expect(tenant.graph.stats()["throttled"]).toBe(before + 1);
  tenant.graph.faults.add({
    kind: "throttle",
    operation: "users.delta",
    resource: "/v1.0/users/*",
    times: 1,
    retryAfterMs: 30_000,
  });
  const throttled = await tenant.fetch("users/delta");
  expect([throttled.status, throttled.headers.get("retry-after")]).toEqual([429, "30"]);
});

test("faults cut the connection before a write, or lose the reply after it", async () => {
  const plain = await tenant.plainClient();
  tenant.graph.faults.add({ kind: "cut", operation: "users.update", times: 1 });
  await expect(plain.api("/users/user-00010").patch({ jobTitle: "Cut" })).rejects.toThrow();
  expect(await client.api("/users/user-00010").get()).toMatchObject({ jobTitle: null });
  tenant.graph.faults.add({ kind: "lose-reply", operation: "users.update", times: 1 });
  await expect(plain.api("/users/user-00010").patch({ jobTitle: "Lost" })).rejects.toThrow();
  expect(await client.api("/users/user-00010").get()).toMatchObject({ jobTitle: "Lost" });
  tenant.graph.faults.add({ kind: "refuse", operation: "users.get", times: 1, status: 500 });
  expect((await tenant.fetch("users/user-00010")).status).toBe(500);
});
