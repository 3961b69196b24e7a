import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import { Problem, Role, type Route, routes } from "@postern/contracts";
import { type ApiServer, audience, startApiServer, tenantId } from "../scenes/api-server";

let api: ApiServer;
let strangerKeys: Server;
let jwksFetches = 0;
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const roles = Role.options;

beforeAll(async () => {
  api = await startApiServer();
  // Where the headers of a forged token point: if anyone asks here, the app followed them.
  strangerKeys = createServer((_request, response) => {
    jwksFetches += 1;
    const key = { ...stranger.publicKey.export({ format: "jwk" }), kid: "stranger", alg: "RS256" };
    response.end(JSON.stringify({ keys: [key] }));
  }).listen(0, "127.0.0.1");
});
afterAll(async () => {
  strangerKeys.close();
  await api.close();
});

const claims = (): Record<string, unknown> => ({
  iss: api.entra.issuer,
  aud: audience,
  tid: tenantId,
  oid: "6e7b768e-07e2-4810-8459-485f84f8f204",
  azp: "tester",
  roles: [...roles],
  iat: Math.floor(Date.now() / 1000) - 10,
  nbf: Math.floor(Date.now() / 1000) - 10,
  exp: Math.floor(Date.now() / 1000) + 600,
});

const ofStranger = (text: string): Buffer =>
  sign("RSA-SHA256", Buffer.from(text), stranger.privateKey);

function jwt(header: Record<string, unknown>, signature: (text: string) => Buffer): string {
  const text = [header, claims()]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${signature(text).toString("base64url")}`;
}

const issued = (more: Record<string, unknown>, expiresInSeconds?: number): Promise<string> =>
  api.entra.issueToken({
    clientId: "tester",
    audience,
    roles,
    claims: more,
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
  });

/** Each with every role: nothing but the fault named can be why it is refused. */
const bad: Readonly<Record<string, () => Promise<string>>> = {
  "no token": () => Promise.resolve(""),
  "Basic credentials": () => Promise.resolve("Basic YTpi"),
  "two tokens": async () => `Bearer ${await issued({})}, Bearer ${await issued({})}`,
  "a damaged signature": async () => {
    const token = await issued({});
    const at = token.lastIndexOf(".") + 10;
    return `Bearer ${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
  },
  "claims changed after signing": async () => {
    const [header = "", , signature = ""] = (await issued({})).split(".");
    const body = Buffer.from(JSON.stringify({ ...claims(), oid: "someone-else" }));
    return `Bearer ${header}.${body.toString("base64url")}.${signature}`;
  },
  "another issuer": async () => `Bearer ${await issued({ iss: "https://login.example.com/v2.0" })}`,
  "another audience": async () => `Bearer ${await issued({ aud: "https://graph.microsoft.com" })}`,
  "another tenant": async () =>
    `Bearer ${await issued({ tid: "00000000-0000-4000-8000-000000000000" })}`,
  "an expired token": async () => `Bearer ${await issued({}, -3600)}`,
  "a token of the future": async () =>
    `Bearer ${await issued({ nbf: Math.floor(Date.now() / 1000) + 600 })}`,
  "a token that never expires": async () => `Bearer ${await issued({ exp: undefined })}`,
  "a token without an object id": async () => `Bearer ${await issued({ oid: undefined })}`,
  "alg none": async () => `Bearer ${jwt({ alg: "none" }, () => Buffer.alloc(0))}`,
  HS256: async () =>
    `Bearer ${jwt({ alg: "HS256" }, (text) => createHmac("sha256", "secret").update(text).digest())}`,
  // The classic confusion: the issuer's public key taken for a shared secret.
  "HS256 with a public key": async () => {
    const secret = stranger.publicKey.export({ format: "pem", type: "spki" });
    return `Bearer ${jwt({ alg: "HS256" }, (text) => createHmac("sha256", secret).update(text).digest())}`;
  },
  "an own key, named by jwk": async () =>
    `Bearer ${jwt({ alg: "RS256", jwk: stranger.publicKey.export({ format: "jwk" }) }, ofStranger)}`,
  "an own key, named by jku": async () => {
    const address = strangerKeys.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const url = `http://127.0.0.1:${port}/keys`;
    return `Bearer ${jwt({ alg: "RS256", kid: "stranger", jku: url, x5u: url }, ofStranger)}`;
  },
};

const table: readonly Route[] = routes;
const guarded = table.filter((route) => route.roles.length > 0);
const concrete = (path: string): string =>
  path.replace("{id}", "no-such-thing").replace("{cycleId}", "none");

test("every route is guarded but health and the document about the interface", () => {
  expect(table.filter((route) => route.roles.length === 0).map((route) => route.path)).toEqual([
    "health",
    "openapi.json",
  ]);
});

describe.each(guarded)("$method /$path", ({ method, path, roles: allowed }) => {
  test("refuses every token that is not right with 401, naming the scheme", async () => {
    for (const [name, authorization] of Object.entries(bad)) {
      const value = await authorization();
      const reply = await api.request(method, concrete(path), {
        headers: value === "" ? {} : { authorization: value },
      });
      expect([name, reply.status]).toEqual([name, 401]);
      expect(reply.headers.get("www-authenticate")).toMatch(/^Bearer realm="postern"/);
      expect(reply.headers.get("content-type")).toBe("application/problem+json");
      expect(Problem.parse(reply.json)).toMatchObject({ code: "not-authenticated" });
    }
  });

  test("refuses every role but its own with 403, naming the one it needs", async () => {
    const others = roles.filter((role) => !allowed.includes(role));
    for (const held of [[], ...others.map((role) => [role]), others]) {
      const token = await api.token(held);
      const reply = await api.request(method, concrete(path), { token });
      expect([held, reply.status]).toEqual([held, 403]);
      const problem = Problem.parse(reply.json);
      for (const role of allowed) expect(problem.detail).toContain(`'${role}'`);
    }
  });

  test("admits each of its roles", async () => {
    for (const role of allowed) {
      const reply = await api.request(method, concrete(path), { token: await api.token([role]) });
      expect([200, 400, 404, 409, 415]).toContain(reply.status);
    }
  });
});

test("no key was ever looked for where a token said", () => {
  expect(jwksFetches).toBe(0);
});

test("anyone may read the document and the health", async () => {
  const document = await api.request("GET", "openapi.json");
  expect(document.status).toBe(200);
  expect(document.json).toMatchObject({ openapi: "3.1.1" });
  const health = await api.request("GET", "health");
  expect(health.json).toMatchObject({
    status: "ok",
    checks: [
      { name: "cosmos", ok: true },
      { name: "service-bus", ok: true },
      { name: "key-vault", ok: true },
      { name: "graph-token", ok: true },
    ],
  });
});
