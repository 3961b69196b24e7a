import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type ApiServer,
  operatorClient,
  peopleClient,
  startApiServer,
  tenantId,
} from "../scenes/api-server";
import { type CliOutcome, postern } from "../scenes/cli-process";

/** Logins in which a person, or Azure's own tools, stand between the command and its token. */
let api: ApiServer;
let home: string;
let address: string;
let environment: Record<string, string>;

beforeAll(async () => {
  api = await startApiServer();
  home = mkdtempSync(path.join(tmpdir(), "postern-login-"));
  address = api.url.replace(/\/api$/, "");
  environment = { HOME: home, NODE_EXTRA_CA_CERTS: api.caFile };
});
afterAll(async () => {
  await api.close();
  rmSync(home, { recursive: true, force: true });
});

/** What a browser sends when a person has filled in the page that the command names. */
async function enterCode(
  stderr: string,
  answer: Readonly<Record<string, string>>,
): Promise<string> {
  const [, page = "", code = ""] =
    /open the page (\S+) and enter the code (\S+)/.exec(stderr) ?? [];
  expect(page).toBe(`${api.entra.authority}/devicelogin`);
  expect(await (await fetch(page)).text()).toContain('<form method="post"');
  const body = new URLSearchParams({ code, ...answer });
  return (await fetch(page, { method: "POST", body })).text();
}

async function deviceLogin(
  profile: string,
  answer: Readonly<Record<string, string>>,
): Promise<CliOutcome & { readonly page: string }> {
  let page: Promise<string> | undefined;
  const outcome = await postern(
    [
      ...["login", "--profile", profile, "--url", address, "--device-code"],
      ...["--tenant", tenantId, "--client-id", peopleClient, "--authority", api.entra.authority],
    ],
    {
      environment,
      onStderr: (stderr) => {
        if (stderr.includes("enter the code")) page ??= enterCode(stderr, answer);
      },
    },
  );
  return { ...outcome, page: (await page) ?? "" };
}

/** The claims of a token; who reads them here has no need to verify it. */
function claimsOf(token: string): unknown {
  const [, payload = ""] = token.split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
}

const keptOf = (profile: string): string[] =>
  readdirSync(path.join(home, ".config/postern")).filter((name) => name.startsWith(profile));

test("a person logs in with a browser, and works with their own name and roles", async () => {
  const login = await deviceLogin("grace", { answer: "approve", user: "grace@north.example" });
  expect([login.code, login.stderr]).toEqual([0, expect.stringContaining("Logged in to")]);
  expect(login.page).toContain("postern-cli is logged in as grace@north.example");
  const kept = readFileSync(path.join(home, ".config/postern/grace.token"), "utf8");
  const { token } = JSON.parse(kept) as { token: string };
  expect(claimsOf(token)).toMatchObject({
    ...{ preferred_username: "grace@north.example", roles: ["Operator"] },
    ...{ azp: peopleClient, scp: "user_impersonation" },
  });
  const listed = await postern(["syncs", "list", "--profile", "grace"], { environment });
  expect(listed).toMatchObject({ code: 0 });
});

test("an expired login fails without a prompt when there is no terminal", async () => {
  const file = path.join(home, ".config/postern/grace.token");
  rmSync(file);
  const late = await postern(["syncs", "list", "--profile", "grace"], { environment });
  expect([late.code, late.stderr]).toEqual([3, expect.stringContaining("postern login again")]);
});

test("a login that the person declines leaves nothing behind, and says so", async () => {
  const declined = await deviceLogin("declined", { answer: "decline" });
  expect(declined.page).toContain("Declined");
  expect([declined.code, declined.stderr]).toEqual([
    3,
    expect.stringContaining("declined in the browser"),
  ]);
  expect(keptOf("declined")).toEqual([]);
});

test("a login that is declined leaves the one before as it was", async () => {
  expect(
    await deviceLogin("again", { answer: "approve", user: "grace@north.example" }),
  ).toMatchObject({ code: 0 });
  expect(await deviceLogin("again", { answer: "decline" })).toMatchObject({ code: 3 });
  const listed = await postern(["syncs", "list", "--profile", "again"], { environment });
  expect(listed).toMatchObject({ code: 0 });
});

test("a token that cannot be saved is still used", async () => {
  const profile = path.join(home, ".config/postern/unkept");
  const secret = path.join(home, "secret");
  writeFileSync(secret, operatorClient.clientSecret);
  const { authority } = api.entra;
  const kept = {
    ...{ kind: "client-secret", url: address, tenant: tenantId, secretFile: secret },
    ...{ clientId: operatorClient.clientId, scope: "api://postern/.default" },
    authorityHost: authority,
  };
  writeFileSync(`${profile}.json`, JSON.stringify(kept));
  // In the way of the file, for root as well.
  mkdirSync(`${profile}.token`);
  const run = await postern(["syncs", "list", "--profile", "unkept"], { environment });
  expect(run.code).toBe(0);
  expect(run.stderr).toContain("The token is not kept");
  expect(run.stderr).not.toContain("Entra");
  // Nor is a draft of it left behind.
  expect(keptOf("unkept").sort()).toEqual(["unkept.json", "unkept.token"]);
});

test("a person without a role sees which one is missing", async () => {
  const login = await deviceLogin("guest", { answer: "approve", user: "guest@north.example" });
  expect(login.code).toBe(0);
  const listed = await postern(["syncs", "list", "--profile", "guest"], { environment });
  expect([listed.code, listed.stderr]).toEqual([1, expect.stringContaining("Reader")]);
});

test("--azure takes the identity that Azure's tools and its environment have", async () => {
  const args = ["--url", address, "--azure", "--authority", api.entra.authority];
  const azure = {
    ...environment,
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: operatorClient.clientId,
    AZURE_CLIENT_SECRET: operatorClient.clientSecret,
  };
  const login = await postern(["login", "--profile", "azure", ...args], { environment: azure });
  expect([login.code, login.stderr]).toEqual([0, expect.stringContaining("Logged in to")]);
  expect(await postern(["syncs", "list", "--profile", "azure"], { environment })).toMatchObject({
    code: 0,
  });

  const nobody = await postern(["login", "--profile", "nobody", ...args], { environment });
  expect([nobody.code, nobody.stderr]).toEqual([3, expect.stringContaining("Microsoft Entra")]);
  expect(keptOf("nobody")).toEqual([]);
});
