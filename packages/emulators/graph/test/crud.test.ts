import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { GraphError } from "@microsoft/microsoft-graph-client";
import { EmulatedTenant } from "./emulated-tenant";

let tenant: EmulatedTenant;
let next = 0;

beforeAll(async () => {
  tenant = await EmulatedTenant.start();
});
afterEach(() => tenant.graph.faults.clear());
afterAll(() => tenant.close());

function newUser(more: Record<string, unknown> = {}): Record<string, unknown> {
  next += 1;
  return {
    accountEnabled: true,
    displayName: `Person ${next}`,
    mailNickname: `person${next}`,
    userPrincipalName: `person${next}@example.com`,
    passwordProfile: { password: "xWwvJ]6NMw+bWH-d", forceChangePasswordNextSignIn: true },
    ...more,
  };
}

function newGroup(more: Record<string, unknown> = {}): Record<string, unknown> {
  next += 1;
  return {
    displayName: `Group ${next}`,
    mailEnabled: false,
    mailNickname: `group${next}`,
    securityEnabled: true,
    ...more,
  };
}

interface Created {
  readonly id: string;
  readonly userPrincipalName: string;
}

const create = (path: string, body: unknown): Promise<Created> =>
  tenant.client().api(path).post(body) as Promise<Created>;
const reference = (id: string) => ({
  "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${id}`,
});

test("a user is created, read by id and by name, changed and deleted with the official client", async () => {
  const client = tenant.client();
  const user = await create("/users", newUser({ department: "Zoë's lab" }));
  expect(user).toMatchObject({
    "@odata.context": expect.stringContaining("$metadata#users/$entity"),
    givenName: null,
    businessPhones: [],
  });
  expect(user.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(user).not.toHaveProperty("passwordProfile");
  expect(user).not.toHaveProperty("department");
  expect(
    await client
      .api(`/users/${user.userPrincipalName.toUpperCase()}`)
      .select(["department", "createdDateTime", "accountEnabled"])
      .get(),
  ).toMatchObject({
    id: user.id,
    department: "Zoë's lab",
    createdDateTime: expect.stringMatching(/^\d{4}-.*Z$/),
    accountEnabled: true,
  });
  await client.api(`/users/${user.id}`).patch({ department: null, jobTitle: "Analyst" });
  expect(await client.api(`/users/${user.id}`).select("department,jobTitle").get()).toMatchObject({
    department: null,
    jobTitle: "Analyst",
  });
  await client.api(`/users/${user.id}`).delete();
  await expect(client.api(`/users/${user.id}`).get()).rejects.toMatchObject({
    statusCode: 404,
    code: "Request_ResourceNotFound",
  });
});

test("errors have Graph's form with both request ids", async () => {
  const response = await tenant.fetch("users/nobody", { headers: { "client-request-id": "mine" } });
  expect(response.status).toBe(404);
  expect(response.headers.get("request-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(await response.json()).toEqual({
    error: {
      code: "Request_ResourceNotFound",
      message:
        "Resource 'nobody' does not exist or one of its queried reference-property objects are not present.",
      innerError: {
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        "request-id": response.headers.get("request-id"),
        "client-request-id": "mine",
      },
    },
  });
});

test.each([
  [
    "accountEnabled",
    undefined,
    "A value is required for property 'accountEnabled' of resource 'User'.",
  ],
  ["displayName", undefined, "A value is required for property 'displayName' of resource 'User'."],
  [
    "mailNickname",
    undefined,
    "A value is required for property 'mailNickname' of resource 'User'.",
  ],
  [
    "userPrincipalName",
    undefined,
    "A value is required for property 'userPrincipalName' of resource 'User'.",
  ],
  [
    "passwordProfile",
    undefined,
    "A value is required for property 'passwordProfile' of resource 'User'.",
  ],
  [
    "accountEnabled",
    "yes",
    "Invalid value specified for property 'accountEnabled' of resource 'User'.",
  ],
  ["displayName", "", "Invalid value specified for property 'displayName' of resource 'User'."],
  [
    "department",
    "x".repeat(65),
    "Invalid value specified for property 'department' of resource 'User'.",
  ],
  [
    "businessPhones",
    [1],
    "Invalid value specified for property 'businessPhones' of resource 'User'.",
  ],
  [
    "mailNickname",
    "a b",
    "Invalid value specified for property 'mailNickname' of resource 'User'.",
  ],
  ["userPrincipalName", "no-domain", "Property userPrincipalName is invalid."],
  ["passwordProfile", {}, expect.stringContaining("password complexity")],
  [
    "createdDateTime",
    "2020-01-01T00:00:00Z",
    "Property 'createdDateTime' is read-only and cannot be set.",
  ],
  ["favouriteColour", "red", expect.stringContaining("'favouriteColour'")],
  ["__proto__x", 1, expect.stringContaining("'__proto__x'")],
])(
  "creating a user with %s = %j is refused with the property's name",
  async (name, value, message) => {
    const body = newUser();
    if (value === undefined) delete body[name];
    else body[name] = value;
    await expect(create("/users", body)).rejects.toMatchObject({
      statusCode: 400,
      code: "Request_BadRequest",
      message,
    });
  },
);

test.each(["displayName", "mailEnabled", "mailNickname", "securityEnabled"])(
  "creating a group without %s is refused",
  async (name) => {
    const body = newGroup();
    delete body[name];
    await expect(create("/groups", body)).rejects.toMatchObject({
      statusCode: 400,
      message: `A value is required for property '${name}' of resource 'Group'.`,
    });
  },
);

test("a second user with the same name in any case is a conflict; a deleted user's name is free", async () => {
  const user = await create("/users", newUser());
  const twin = newUser({ userPrincipalName: user.userPrincipalName.toUpperCase() });
  const error = await create("/users", twin).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GraphError);
  expect(error).toMatchObject({
    statusCode: 400,
    code: "Request_BadRequest",
    message: "Another object with the same value for property userPrincipalName already exists.",
  });
  expect(JSON.parse((error as GraphError).body as string)).toMatchObject({
    details: [{ code: "ObjectConflict", target: "userPrincipalName" }],
  });
  const other = await create("/users", newUser());
  await expect(
    tenant.client().api(`/users/${other.id}`).patch({ userPrincipalName: user.userPrincipalName }),
  ).rejects.toMatchObject({ statusCode: 400 });
  await tenant.client().api(`/users/${user.id}`).delete();
  await create("/users", twin);
  await expect(
    tenant.client().api(`/directory/deletedItems/${user.id}/restore`).post({}),
  ).rejects.toMatchObject({ statusCode: 400 });
});

test("changing an unknown or read-only property is refused and changes nothing", async () => {
  const user = await create("/users", newUser());
  const api = tenant.client().api(`/users/${user.id}`);
  await expect(api.patch({ jobTitle: "Lost", shoeSize: 43 })).rejects.toMatchObject({
    statusCode: 400,
    message: expect.stringContaining("'shoeSize'"),
  });
  await expect(api.patch({ id: "x" })).rejects.toMatchObject({ statusCode: 400 });
  await expect(api.patch({ displayName: null })).rejects.toMatchObject({ statusCode: 400 });
  expect(await tenant.client().api(`/users/${user.id}`).get()).toMatchObject({ jobTitle: null });
});

test("a deleted user is in the deleted items, and is restored with its links or removed permanently", async () => {
  const client = tenant.client();
  const manager = await create("/users", newUser());
  const user = await create("/users", newUser());
  const group = await create("/groups", newGroup());
  await client.api(`/users/${user.id}/manager/$ref`).put(reference(manager.id));
  await client.api(`/groups/${group.id}/members/$ref`).post(reference(manager.id));
  await client.api(`/users/${manager.id}`).delete();
  await expect(client.api(`/users/${user.id}/manager`).get()).rejects.toMatchObject({
    statusCode: 404,
  });
  expect((await client.api(`/groups/${group.id}/members`).get()).value).toEqual([]);
  expect(await client.api(`/directory/deletedItems/${manager.id}`).get()).toMatchObject({
    "@odata.type": "#microsoft.graph.user",
    deletedDateTime: expect.any(String),
  });
  const deleted = await client.api("/directory/deletedItems/microsoft.graph.user").get();
  expect(deleted.value).toContainEqual(expect.objectContaining({ id: manager.id }));
  expect(await client.api(`/directory/deletedItems/${manager.id}/restore`).post({})).toMatchObject({
    id: manager.id,
  });
  expect(await client.api(`/users/${user.id}/manager`).get()).toMatchObject({
    "@odata.type": "#microsoft.graph.user",
    id: manager.id,
  });
  expect((await client.api(`/groups/${group.id}/members`).get()).value).toMatchObject([
    { id: manager.id },
  ]);
  await client.api(`/users/${manager.id}`).delete();
  await client.api(`/directory/deletedItems/${manager.id}`).delete();
  await expect(client.api(`/directory/deletedItems/${manager.id}`).get()).rejects.toMatchObject({
    statusCode: 404,
  });
  await expect(
    client.api(`/directory/deletedItems/${manager.id}/restore`).post({}),
  ).rejects.toMatchObject({ statusCode: 404 });
});

test("a manager is set, shown by $expand, changed and removed", async () => {
  const client = tenant.client();
  const [boss, chief, user] = await Promise.all([
    create("/users", newUser()),
    create("/users", newUser()),
    create("/users", newUser()),
  ]);
  const manager = `/users/${user.id}/manager/$ref`;
  await client.api(manager).put(reference(boss.id));
  await client.api(manager).put(reference(chief.id));
  expect(
    await client.api(`/users/${user.id}`).expand("manager($select=id,displayName)").get(),
  ).toMatchObject({ manager: { id: chief.id } });
  expect((await client.api(`/users/${chief.id}/directReports`).get()).value).toMatchObject([
    { id: user.id },
  ]);
  await client.api(manager).delete();
  await expect(client.api(manager).delete()).rejects.toMatchObject({ statusCode: 404 });
  await expect(
    client.api(manager).put(reference("00000000-0000-0000-0000-000000000000")),
  ).rejects.toMatchObject({ statusCode: 404 });
  await expect(client.api(manager).put({ wrong: true })).rejects.toMatchObject({ statusCode: 400 });
});

test("members of both types are added one by one, at creation and by PATCH, and never twice", async () => {
  const client = tenant.client();
  const [a, b, c] = await Promise.all([
    create("/users", newUser()),
    create("/users", newUser()),
    create("/users", newUser()),
  ]);
  const nested = await create("/groups", newGroup());
  const bind = (...ids: string[]) => ({
    "members@odata.bind": ids.map(
      (id) => `https://graph.microsoft.com/v1.0/directoryObjects/${id}`,
    ),
  });
  const group = await create("/groups", newGroup(bind(a.id)));
  await client.api(`/groups/${group.id}`).patch(bind(b.id, nested.id));
  await client
    .api(`/groups/${group.id}/members/$ref`)
    .post({ "@odata.id": `${tenant.graph.graph}/v1.0/users/${c.id}` });
  const members = await client.api(`/groups/${group.id}/members`).select("id").get();
  expect(members.value).toEqual([
    { "@odata.type": "#microsoft.graph.user", id: a.id },
    { "@odata.type": "#microsoft.graph.user", id: b.id },
    { "@odata.type": "#microsoft.graph.group", id: nested.id },
    { "@odata.type": "#microsoft.graph.user", id: c.id },
  ]);
  const twice =
    "One or more added object references already exist for the following modified properties: 'members'.";
  await expect(
    client.api(`/groups/${group.id}/members/$ref`).post(reference(a.id)),
  ).rejects.toMatchObject({ statusCode: 400, message: twice });
  await expect(client.api(`/groups/${group.id}`).patch(bind(b.id))).rejects.toMatchObject({
    statusCode: 400,
    message: twice,
  });
  await expect(
    client.api(`/groups/${group.id}`).patch(bind(...Array.from({ length: 21 }, () => a.id))),
  ).rejects.toMatchObject({ statusCode: 400 });
  expect((await client.api(`/users/${c.id}/memberOf`).get()).value).toMatchObject([
    { id: group.id, "@odata.type": "#microsoft.graph.group" },
  ]);
  await client.api(`/groups/${group.id}/members/${c.id}/$ref`).delete();
  await expect(
    client.api(`/groups/${group.id}/members/${c.id}/$ref`).delete(),
  ).rejects.toMatchObject({ statusCode: 404 });
  expect(
    (await client.api(`/groups/${group.id}/members/microsoft.graph.group`).get()).value,
  ).toMatchObject([{ id: nested.id }]);
  expect(await client.api(`/directoryObjects/${nested.id}`).get()).toMatchObject({
    "@odata.type": "#microsoft.graph.group",
  });
});

test("a batch returns a status for each request", async () => {
  const user = await create("/users", newUser());
  tenant.graph.faults.add({
    kind: "throttle",
    operation: "groups.list",
    times: 1,
    retryAfterMs: 7000,
  });
  const { responses } = (await tenant
    .client()
    .api("/$batch")
    .post({
      requests: [
        { id: "1", method: "GET", url: `/users/${user.id}?$select=id` },
        {
          id: "2",
          method: "PATCH",
          url: `/users/${user.id}`,
          headers: { "Content-Type": "application/json" },
          body: { jobTitle: "Batched" },
        },
        { id: "3", method: "GET", url: "/users/nobody" },
        { id: "4", method: "GET", url: "/groups" },
        { id: "5", method: "GET", url: "/users", dependsOn: ["3"] },
      ],
    })) as { responses: { id: string; status: number; headers: Record<string, string> }[] };
  expect(responses.map(({ id, status }) => [id, status])).toEqual([
    ["1", 200],
    ["2", 204],
    ["3", 404],
    ["4", 429],
    ["5", 424],
  ]);
  expect(responses[3]?.headers["retry-after"]).toBe("7");
  const requests = Array.from({ length: 21 }, (_, index) => ({
    id: String(index),
    method: "GET",
    url: "/users",
  }));
  await expect(tenant.client().api("/$batch").post({ requests })).rejects.toMatchObject({
    statusCode: 400,
  });
});
