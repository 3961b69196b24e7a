import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import { ClientSecretCredential } from "@azure/identity";
import { localCertificates, type LocalCertificates } from "@postern/emulator-kit";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { readClientRegistry, startEntraEmulator, type EntraEmulator } from "../src/index";

const tenantId = "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001";
const clientId = "0b0e6f0c-6d0e-4c39-8a51-aaaaaaaaaaaa";
const graph = "https://graph.microsoft.com";
const clients = [
  { clientId, clientSecret: "let-me-in", roles: { [graph]: ["Directory.Read.All"] } },
];
const retryOptions = { maxRetries: 0 };

let certificates: LocalCertificates;
let entra: EntraEmulator;

function credential(secret = "let-me-in", client = clientId): ClientSecretCredential {
  return new ClientSecretCredential(tenantId, client, secret, {
    authorityHost: entra.authority,
    disableInstanceDiscovery: true,
    retryOptions,
  });
}

async function keysOf(emulator: EntraEmulator): Promise<ReturnType<typeof createRemoteJWKSet>> {
  const response = await fetch(`${emulator.issuer}/.well-known/openid-configuration`);
  const { issuer, jwks_uri } = (await response.json()) as { issuer: string; jwks_uri: string };
  expect(issuer).toBe(emulator.issuer);
  return createRemoteJWKSet(new URL(jwks_uri));
}

beforeAll(async () => {
  certificates = await localCertificates(mkdtempSync(path.join(tmpdir(), "entra-certificates-")));
  setDefaultCACertificates([
    ...getCACertificates("default"),
    readFileSync(certificates.caFile, "utf8"),
  ]);
  entra = await startEntraEmulator({ port: 0, certificates, tenantId, clients });
});
afterEach(() => entra.faults.clear());
afterAll(() => entra.close());

test("ClientSecretCredential gets a token that verifies against the published keys and carries the granted roles", async () => {
  const before = entra.stats()["tokens"] ?? 0;
  const token = await credential().getToken(`${graph}/.default`);
  const { payload } = await jwtVerify(token.token, await keysOf(entra), {
    issuer: entra.issuer,
    audience: graph,
  });
  expect(payload).toMatchObject({
    tid: tenantId,
    azp: clientId,
    appid: clientId,
    idtyp: "app",
    roles: ["Directory.Read.All"],
  });
  expect(payload.sub).toBe(payload["oid"]);
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  expect(token.expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_500_000);
  expect(entra.stats()["tokens"]).toBe(before + 1);
});

test("a resource without granted roles gets a token without roles", async () => {
  const { token } = await credential().getToken("api://postern/.default");
  expect(decodeJwt(token)).toMatchObject({ aud: "api://postern" });
  expect(decodeJwt(token)).not.toHaveProperty("roles");
});

test("credentials in a header that cannot be decoded are refused in Entra's form", async () => {
  const response = await fetch(`${entra.authority}/${tenantId}/oauth2/v2.0/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from("%:%").toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: `${graph}/.default` }),
  });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({
    ...{ error: "invalid_client", error_codes: [7000215] },
  });
});

test("EnvironmentCredential and DefaultAzureCredential work in a process that trusts the local authority by NODE_EXTRA_CA_CERTS", async () => {
  const script = `
    const { DefaultAzureCredential, EnvironmentCredential } = require("@azure/identity");
    const options = { disableInstanceDiscovery: true };
    Promise.all([new DefaultAzureCredential(options), new EnvironmentCredential(options)].map((c) => c.getToken("${graph}/.default")))
      .then((tokens) => process.stdout.write(JSON.stringify(tokens.map((t) => t.token.split(".").length))));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], {
    cwd: path.join(__dirname, ".."),
    env: {
      NODE_EXTRA_CA_CERTS: certificates.caFile,
      AZURE_AUTHORITY_HOST: entra.authority,
      AZURE_TENANT_ID: tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: "let-me-in",
    },
  });
  expect(JSON.parse(stdout)).toEqual([3, 3]);
});

test("a wrong secret, an unknown client and a foreign tenant are refused in Entra's words", async () => {
  await expect(credential("wrong").getToken(`${graph}/.default`)).rejects.toThrow(/AADSTS7000215/);
  await expect(
    credential("let-me-in", "somebody-else").getToken(`${graph}/.default`),
  ).rejects.toThrow(/AADSTS700016/);
  const response = await fetch(`${entra.authority}/elsewhere/oauth2/v2.0/token`, {
    method: "POST",
    body: "grant_type=client_credentials",
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: "invalid_request", error_codes: [90002] });
});

test.each([
  ["no grant type", {}, 400, "invalid_request"],
  ["another grant type", { grant_type: "password" }, 400, "unsupported_grant_type"],
  [
    "a wrong secret",
    { grant_type: "client_credentials", client_id: clientId, client_secret: "no" },
    401,
    "invalid_client",
  ],
  [
    "no scope",
    { grant_type: "client_credentials", client_id: clientId, client_secret: "let-me-in" },
    400,
    "invalid_scope",
  ],
  [
    "a scope without .default",
    {
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: "let-me-in",
      scope: `${graph}/User.Read`,
    },
    400,
    "invalid_scope",
  ],
])("the token endpoint returns its own error for %s", async (_, form, status, error) => {
  const response = await fetch(`${entra.authority}/${tenantId}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams(form),
  });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    error,
    error_codes: [expect.any(Number)],
    trace_id: expect.any(String),
  });
});

test("issueToken issues tokens that the credential flow would not: expired, with other roles or claims", async () => {
  const token = await entra.issueToken({
    clientId,
    audience: "api://x",
    roles: ["Operator"],
    expiresInSeconds: -60,
    claims: { tid: "other" },
  });
  expect(decodeJwt(token)).toMatchObject({ aud: "api://x", roles: ["Operator"], tid: "other" });
  await expect(jwtVerify(token, await keysOf(entra))).rejects.toMatchObject({
    code: "ERR_JWT_EXPIRED",
  });
});

test("after a rotation earlier tokens stay valid, and retired keys no longer verify", async () => {
  const request = { clientId, audience: graph };
  const old = await entra.issueToken(request);
  await entra.rotateKeys();
  await jwtVerify(old, await keysOf(entra));
  await jwtVerify(await entra.issueToken(request), await keysOf(entra));
  await entra.rotateKeys({ retire: true });
  await expect(jwtVerify(old, await keysOf(entra))).rejects.toMatchObject({
    code: "ERR_JWKS_NO_MATCHING_KEY",
  });
});

test("the signing key survives a restart on the same data directory", async () => {
  const options = {
    port: 0,
    certificates,
    tenantId,
    clients,
    dataDirectory: mkdtempSync(path.join(tmpdir(), "entra-data-")),
  };
  const first = await startEntraEmulator(options);
  const token = await first.issueToken({ clientId, audience: graph });
  await first.close();
  const second = await startEntraEmulator(options);
  try {
    await jwtVerify(token, await keysOf(second));
  } finally {
    await second.close();
  }
});

test("faults strike on the wire: refusal, throttling with Retry-After, a cut, a lost reply", async () => {
  const keys = `${entra.authority}/${tenantId}/discovery/v2.0/keys`;
  entra.faults.add({ kind: "refuse", operation: "keys", times: 1, status: 500 });
  expect((await fetch(keys)).status).toBe(500);
  entra.faults.add({ kind: "throttle", operation: "keys", times: 1, retryAfterMs: 2500 });
  const throttled = await fetch(keys);
  expect([throttled.status, throttled.headers.get("retry-after")]).toEqual([429, "3"]);
  entra.faults.add({ kind: "cut", operation: "discovery", times: 1 });
  await expect(fetch(`${entra.issuer}/.well-known/openid-configuration`)).rejects.toThrow();
  const before = entra.stats()["tokens"] ?? 0;
  entra.faults.add({ kind: "lose-reply", operation: "token", times: 1 });
  const form = {
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: "let-me-in",
    scope: "a/.default",
  };
  await expect(
    fetch(`${entra.authority}/${tenantId}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams(form),
    }),
  ).rejects.toThrow();
  expect(entra.stats()["tokens"]).toBe(before + 1);
});

test("a client registry that cannot be used is refused with the place", () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), "entra-clients-")), "clients.json");
  writeFileSync(file, JSON.stringify({ tenantId, clients: [{ clientId: "a", clientSecret: 5 }] }));
  expect(() => readClientRegistry(file)).toThrow(/clients\[0\]\.clientSecret/);
  writeFileSync(file, JSON.stringify({ tenantId, clients: [...clients, ...clients] }));
  expect(() => readClientRegistry(file)).toThrow(/same clientId/);
  writeFileSync(file, "{");
  expect(() => readClientRegistry(file)).toThrow(/clients\.json/);
});
