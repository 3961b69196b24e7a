import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import { SignJWT } from "jose";
import { accessTokenVerifier, type CallerOf } from "../http/access-token";
import { issuerKeys } from "./issuer-keys";

const HOUR_MS = 60 * 60_000;
/** The network keeps its real timers: only the time of day moves. */
const allButDate = [
  ...(["setTimeout", "clearTimeout", "setInterval", "clearInterval"] as const),
  ...(["setImmediate", "clearImmediate", "nextTick", "queueMicrotask", "performance"] as const),
  "hrtime" as const,
];
const servers: Server[] = [];
afterEach(async () => {
  jest.useRealTimers();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Issuer {
  readonly url: string;
  keys: { readonly kid: string; readonly pair: { publicKey: KeyObject; privateKey: KeyObject } }[];
  down: boolean;
  configuration: Record<string, string>;
  fetches: number;
}

const newKey = (kid: string): Issuer["keys"][number] => ({
  kid,
  pair: generateKeyPairSync("rsa", { modulusLength: 2048 }),
});

async function startIssuer(): Promise<Issuer> {
  const issuer: Issuer = {
    url: "",
    keys: [newKey("first")],
    down: false,
    configuration: {},
    fetches: 0,
  };
  const server = createServer((request, response) => {
    if (issuer.down) {
      response.writeHead(503).end();
      return;
    }
    if (request.url?.endsWith("openid-configuration")) {
      response.end(JSON.stringify(issuer.configuration));
      return;
    }
    issuer.fetches += 1;
    const keys = issuer.keys.map(({ kid, pair }) => ({
      ...pair.publicKey.export({ format: "jwk" }),
      kid,
    }));
    response.end(JSON.stringify({ keys }));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  Object.assign(issuer, { url });
  issuer.configuration = { issuer: url, jwks_uri: `${url}/keys` };
  return issuer;
}

function tokenOf(issuer: Issuer, index = 0): Promise<string> {
  const key = issuer.keys[index];
  if (key === undefined) throw new Error("no such key");
  return new SignJWT({ tid: "t", oid: "o", azp: "a", roles: ["Reader", "Unheard-of"] })
    .setProtectedHeader({ alg: "RS256", kid: key.kid })
    .setIssuer(issuer.url)
    .setAudience("api://postern")
    .setNotBefore("-1m")
    .setExpirationTime("3d")
    .sign(key.pair.privateKey)
    .then((token) => `Bearer ${token}`);
}

function verifierOf(issuer: Issuer, now: () => number = () => Date.now()): CallerOf {
  return accessTokenVerifier({
    issuer: issuer.url,
    audience: "api://postern",
    tenantId: "t",
    keys: issuerKeys({ issuer: issuer.url, now }),
    now,
  });
}

describe("the keys of the pinned issuer", () => {
  test("are read once for many tokens", async () => {
    const issuer = await startIssuer();
    const verify = verifierOf(issuer);
    const token = await tokenOf(issuer);
    const callers = await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    expect(callers[0]).toEqual({ oid: "o", azp: "a", name: "app:a", roles: new Set(["Reader"]) });
    expect(issuer.fetches).toBeLessThanOrEqual(2);
    const before = issuer.fetches;
    await verify(token);
    expect(issuer.fetches).toBe(before);
  });

  test("are not fetched again for every token with an unknown key", async () => {
    const issuer = await startIssuer();
    const verify = verifierOf(issuer);
    await verify(await tokenOf(issuer));
    const before = issuer.fetches;
    const stranger: Issuer = { ...issuer, keys: [newKey("stranger")] };
    const forged = await tokenOf(stranger);
    for (let times = 0; times < 10; times += 1) {
      await expect(verify(forged)).rejects.toMatchObject({ code: "not-authenticated" });
    }
    expect(issuer.fetches).toBe(before);
  });

  test("when the issuer has not answered yet, the fault is not the caller's, and passes", async () => {
    const issuer = await startIssuer();
    const verify = verifierOf(issuer);
    issuer.down = true;
    await expect(verify(await tokenOf(issuer))).rejects.toMatchObject({
      code: "dependency-unavailable",
    });
    issuer.down = false;
    await expect(verify(await tokenOf(issuer))).resolves.toMatchObject({ oid: "o" });
  });

  test("go on serving while the issuer is down, for a day", async () => {
    const issuer = await startIssuer();
    const verify = verifierOf(issuer);
    const token = await tokenOf(issuer);
    const began = Date.now();
    await verify(token);
    issuer.down = true;
    jest.useFakeTimers({ doNotFake: allButDate });
    for (const hours of [0.5, 12, 23]) {
      jest.setSystemTime(began + hours * HOUR_MS);
      await expect(verify(token)).resolves.toMatchObject({ oid: "o" });
    }
    jest.setSystemTime(began + 25 * HOUR_MS);
    await expect(verify(token)).rejects.toMatchObject({ code: "dependency-unavailable" });
  });

  test("are refused from a configuration of another issuer, or at another origin", async () => {
    const issuer = await startIssuer();
    const token = await tokenOf(issuer);
    const { url } = issuer;
    for (const configuration of [
      { issuer: "https://login.example.com", jwks_uri: `${url}/keys` },
      { issuer: url, jwks_uri: "http://127.0.0.2:1/keys" },
      { issuer: url, jwks_uri: "not a url" },
    ]) {
      issuer.configuration = configuration;
      await expect(verifierOf(issuer)(token)).rejects.toMatchObject({
        code: "dependency-unavailable",
      });
    }
    expect(issuer.fetches).toBe(0);
  });

  test("a token is judged by the app's clock, with a minute of tolerance", async () => {
    const issuer = await startIssuer();
    const token = await tokenOf(issuer);
    const later = Date.now() + 72 * HOUR_MS;
    await expect(verifierOf(issuer, () => later + 50_000)(token)).resolves.toMatchObject({});
    await expect(verifierOf(issuer, () => later + 70_000)(token)).rejects.toMatchObject({
      code: "not-authenticated",
      headers: {
        "WWW-Authenticate":
          'Bearer realm="postern", error="invalid_token", error_description="The token has expired"',
      },
    });
  });
});
