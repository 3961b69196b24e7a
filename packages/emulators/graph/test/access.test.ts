import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { audience, clientIds, EmulatedTenant } from "./emulated-tenant";

let tenant: EmulatedTenant;

beforeAll(async () => {
  tenant = await EmulatedTenant.start({
    seed: { users: [{ id: "a", displayName: "A" }], groups: [] },
  });
});
afterAll(() => tenant.close());

async function refusal(
  token: string | undefined,
): Promise<[status: number, code: string, message: string]> {
  const response = await fetch(
    `${tenant.graph.graph}/v1.0/users`,
    token === undefined ? {} : { headers: { authorization: token } },
  );
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return [response.status, error.code, error.message];
}

const issue = (more: Parameters<typeof tenant.entra.issueToken>[0] | object = {}) =>
  tenant.entra.issueToken({
    clientId: clientIds.admin,
    audience,
    roles: ["Directory.ReadWrite.All"],
    ...more,
  });

test("a missing, malformed, expired, foreign or forged token is 401 in Graph's words", async () => {
  const good = await issue();
  const forged = `${good.slice(0, -8)}${good.slice(-8).split("").reverse().join("")}`;
  expect(await refusal(undefined)).toEqual([
    401,
    "InvalidAuthenticationToken",
    "Access token is empty.",
  ]);
  expect(await refusal("Basic abc")).toEqual([
    401,
    "InvalidAuthenticationToken",
    "Access token is empty.",
  ]);
  expect(await refusal("Bearer junk")).toEqual([
    401,
    "InvalidAuthenticationToken",
    expect.stringContaining("not well formed"),
  ]);
  expect(await refusal(`Bearer ${await issue({ expiresInSeconds: -10 })}`)).toEqual([
    401,
    "InvalidAuthenticationToken",
    "Lifetime validation failed, the token is expired.",
  ]);
  expect(await refusal(`Bearer ${await issue({ audience: "https://elsewhere" })}`)).toEqual([
    401,
    "InvalidAuthenticationToken",
    "Access token validation failure. Invalid audience.",
  ]);
  expect(await refusal(`Bearer ${await issue({ claims: { iss: "https://evil" } })}`)).toEqual([
    401,
    "InvalidAuthenticationToken",
    "Access token validation failure. Invalid issuer.",
  ]);
  expect(await refusal(`Bearer ${forged}`)).toEqual([
    401,
    "InvalidAuthenticationToken",
    expect.stringContaining("signature"),
  ]);
});

test("a reader can read but not write, and a caller without a role can do neither", async () => {
  expect((await tenant.client("reader").api("/users").get()).value).toHaveLength(1);
  const denied = { statusCode: 403, code: "Authorization_RequestDenied" };
  await expect(
    tenant.client("reader").api("/users/a").patch({ displayName: "B" }),
  ).rejects.toMatchObject(denied);
  await expect(tenant.client("nobody").api("/users").get()).rejects.toMatchObject(denied);
  await expect(tenant.client("nobody").api("/users/delta").get()).rejects.toMatchObject(denied);
  const users = await issue({ roles: ["User.Read.All"] });
  expect(
    (await tenant.fetch("users", { headers: { authorization: `Bearer ${users}` } })).status,
  ).toBe(200);
  expect(
    (await tenant.fetch("groups", { headers: { authorization: `Bearer ${users}` } })).status,
  ).toBe(403);
});

test("a token signed by a key that the issuer has just rotated to is accepted", async () => {
  await tenant.fetch("users");
  await tenant.entra.rotateKeys();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await tenant.fetch("users")).status).toBe(200);
});

test("the issuer may come up after the directory", async () => {
  const late = await EmulatedTenant.start({ issuer: "https://localhost:1/nowhere/v2.0" });
  try {
    expect((await late.fetch("users")).status).toBe(503);
  } finally {
    await late.close();
  }
});

test.each([
  ["GET", "/beta/users", 400],
  ["GET", "/v1.0/teams", 400],
  ["GET", "/v1.0/users/a/photo/x/y", 400],
  ["PUT", "/v1.0/users", 405],
  ["GET", "/v1.0/users?$top=0", 400],
  ["GET", "/v1.0/users?$top=1000", 400],
  ["GET", "/v1.0/users?$skip=3", 400],
  ["GET", "/v1.0/users?$frob=1", 400],
  ["GET", "/v1.0/users?$select=shoeSize", 400],
  ["GET", "/v1.0/users?$expand=photo", 400],
  ["GET", "/v1.0/users?$orderby=nothing", 400],
  ["GET", "/v1.0/users?$skiptoken=junk", 400],
  ["GET", "/v1.0/users?$count=maybe", 400],
  ["GET", "/v1.0/users/%E0%A4%A", 400],
  ["GET", "/v1.0/users?$filter=%E0%A4%A", 400],
])("%s %s is refused with %i", async (method, path, status) => {
  const response = await tenant.fetch(`${tenant.graph.graph}${path}`, { method });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    error: { code: expect.any(String), message: expect.any(String) },
  });
});

test.each([["{"], ["[]"], ["null"], [""], ['"text"'], ["12"]])(
  "a body that is %s is refused",
  async (body) => {
    const response = await tenant.fetch("users", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(400);
  },
);

test("a body over 4 MB is refused without being kept", async () => {
  const response = await tenant.fetch("users", {
    method: "POST",
    body: JSON.stringify({ displayName: "x".repeat(5_000_000) }),
  });
  expect(response.status).toBe(413);
});

test("a body or a seed cannot reach the prototype of objects", async () => {
  const user =
    '"accountEnabled":true,"displayName":"P","mailNickname":"p","userPrincipalName":"p@example.com","passwordProfile":{"password":"x"}';
  const response = await tenant.fetch("users", {
    method: "POST",
    body: `{${user},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
  });
  expect(response.status).toBe(400);
  const seeded = await EmulatedTenant.start({
    seed: JSON.parse(
      '{"users":[{"id":"a","__proto__":{"polluted":1},"constructor":"x"}],"groups":[]}',
    ),
  });
  try {
    expect(await seeded.client().api("/users/a").get()).toMatchObject({
      id: "a",
      constructor: "x",
    });
    expect((await seeded.fetch("users?$filter=__proto__/polluted eq 1")).status).toBe(400);
  } finally {
    await seeded.close();
  }
  expect({}).not.toHaveProperty("polluted");
});
