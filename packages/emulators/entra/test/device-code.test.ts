import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { DeviceCodeCredential, type DeviceCodeInfo } from "@azure/identity";
import { localCertificates } from "@postern/emulator-kit";
import { decodeJwt } from "jose";
import { DeviceCodes } from "../src/engine/device-codes";
import { startEntraEmulator, type EntraEmulator } from "../src/index";

const tenantId = "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001";
const audience = "api://postern";
const ada = {
  username: "ada@north.example",
  name: "Ada <Admin>",
  roles: { [audience]: ["Reader"] },
};

let entra: EntraEmulator;
beforeAll(async () => {
  const certificates = await localCertificates(mkdtempSync(path.join(tmpdir(), "entra-device-")));
  setDefaultCACertificates([
    ...getCACertificates("default"),
    readFileSync(certificates.caFile, "utf8"),
  ]);
  entra = await startEntraEmulator({
    ...{ port: 0, certificates, tenantId, users: [ada], deviceCodeIntervalSeconds: 1 },
    clients: [
      { clientId: "program", publicClient: true },
      { clientId: "service", clientSecret: "secret" },
    ],
  });
});
afterAll(() => entra.close());

const login = (onCode: (info: DeviceCodeInfo) => void, clientId = "program") =>
  new DeviceCodeCredential({
    ...{ tenantId, clientId, authorityHost: entra.authority, disableInstanceDiscovery: true },
    userPromptCallback: onCode,
    retryOptions: { maxRetries: 0 },
  });

async function submit(
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string }> {
  const body = new URLSearchParams(fields);
  const response = await fetch(`${entra.authority}/devicelogin`, { method: "POST", body, headers });
  return { status: response.status, text: await response.text() };
}

async function ask(rest: string, form: Readonly<Record<string, string>>): Promise<unknown> {
  const body = new URLSearchParams(form);
  const url = `${entra.authority}/${tenantId}/oauth2/v2.0/${rest}`;
  const response = await fetch(url, { method: "POST", body });
  return { status: response.status, ...((await response.json()) as object) };
}

test("DeviceCodeCredential waits for the person and gets a token with their name and roles", async () => {
  const pages: Promise<{ status: number; text: string }>[] = [];
  const credential = login(({ userCode }) => {
    // As a person types it.
    const code = ` ${userCode.slice(0, 3)}-${userCode.slice(3).toLowerCase()}`;
    setTimeout(() => pages.push(submit({ code, answer: "approve", user: ada.username })), 1_500);
  });
  const { token } = await credential.getToken(`${audience}/.default`);
  const claims = decodeJwt(token);
  expect(claims).toMatchObject({
    ...{ aud: audience, tid: tenantId, azp: "program", roles: ["Reader"] },
    ...{ preferred_username: ada.username, scp: "user_impersonation" },
  });
  expect(claims).not.toHaveProperty("idtyp");
  const [page] = await Promise.all(pages);
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining(ada.username) });
});

test("a client with a secret is refused a login, and an unknown client gets no code", async () => {
  const begun = (await ask("devicecode", {
    client_id: "service",
    scope: `${audience}/.default`,
  })) as {
    device_code: string;
  };
  const form = { grant_type: "device_code", device_code: begun.device_code };
  expect(await ask("token", { ...form, client_id: "service" })).toMatchObject({
    ...{ status: 401, error: "invalid_client", error_codes: [7000218] },
  });
  // Another program's device code leads to nothing.
  expect(await ask("token", { ...form, client_id: "program" })).toMatchObject({
    error: "bad_verification_code",
  });
  expect(await ask("devicecode", { client_id: "nobody", scope: "a/.default" })).toMatchObject({
    error: "unauthorized_client",
  });
  expect(await ask("devicecode", { client_id: "program", scope: "openid" })).toMatchObject({
    error: "invalid_scope",
  });
});

test("an approval is returned once, and only to the client that asked", async () => {
  const begun = (await ask("devicecode", {
    ...{ client_id: "program", scope: `openid ${audience}/Syncs.Read` },
  })) as { device_code: string; user_code: string; message: string };
  expect(begun.message).toContain(begun.user_code);
  const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
  const form = { grant_type, client_id: "program", device_code: begun.device_code };
  expect(await ask("token", form)).toMatchObject({ status: 400, error: "authorization_pending" });
  await submit({ code: begun.user_code, answer: "approve", user: ada.username });
  expect(await ask("token", form)).toMatchObject({
    ...{ status: 200, scope: `${audience}/Syncs.Read`, id_token: expect.any(String) },
  });
  expect(await ask("token", form)).toMatchObject({ error: "bad_verification_code" });
});

test("the page refuses wrong codes, unknown users and forms of other sites, and shows names as text", async () => {
  const page = await fetch(`${entra.authority}/devicelogin`);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(await page.text()).toContain("Ada &#60;Admin&#62;");
  const begun = (await ask("devicecode", {
    ...{ client_id: "program", scope: `${audience}/.default` },
  })) as { user_code: string };
  const code = begun.user_code;
  expect(await submit({ code: "WRONG", answer: "approve" })).toMatchObject({ status: 400 });
  expect(await submit({ code, answer: "approve", user: "eve" })).toMatchObject({ status: 400 });
  const elsewhere = { origin: "https://elsewhere.example" };
  expect(await submit({ code, answer: "approve", user: ada.username }, elsewhere)).toMatchObject({
    status: 403,
  });
  expect(await submit({ code, answer: "decline" })).toMatchObject({ status: 200 });
  // The code has been used and is no longer valid.
  expect(await submit({ code, answer: "approve", user: ada.username })).toMatchObject({
    status: 400,
  });
});

test("the page accepts its form as browsers send it, and refuses one with the origin null", async () => {
  const page = await fetch(`${entra.authority}/devicelogin`);
  // With no-referrer browsers send `Origin: null`, as a form of a sandboxed page does.
  expect(page.headers.get("referrer-policy")).toBe("same-origin");
  const begun = (await ask("devicecode", {
    ...{ client_id: "program", scope: `${audience}/.default` },
  })) as { user_code: string };
  const answer = { code: begun.user_code, answer: "approve", user: ada.username };
  expect(await submit(answer, { origin: "null" })).toMatchObject({ status: 403 });
  expect(await submit(answer, { origin: entra.authority })).toMatchObject({ status: 200 });
});

test("codes expire, and unfinished logins do not pile up", () => {
  let nowMs = 0;
  const codes = new DeviceCodes({ lifetimeSeconds: 900, now: () => nowMs });
  const { deviceCode, userCode } = codes.begin("program", "scope");
  nowMs = 899_999;
  expect(codes.take(deviceCode, "program")).toEqual({ kind: "pending" });
  nowMs = 900_000;
  expect(codes.waiting(userCode)).toBeUndefined();
  expect(codes.take(deviceCode, "program")).toEqual({ kind: "expired" });
  for (let count = 0; count < 1_000; count += 1) codes.begin("program", "scope");
  expect(codes.take(deviceCode, "program")).toEqual({ kind: "unknown" });
});
