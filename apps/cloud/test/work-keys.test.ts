/** The keys over the real SDK and the emulated vault, under a clock that the test moves. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { KeyId, workKeySecretName } from "@postern/contracts";
import { localCertificates } from "@postern/emulator-kit";
import { type EntraEmulator, startEntraEmulator } from "@postern/entra-emulator";
import { type KeyVaultEmulator, startKeyVaultEmulator } from "@postern/key-vault-emulator";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { createLogger } from "../src/app/logger";
import { createSecretVersions } from "../src/azure/key-vault";
import type { WorkKeys } from "../src/ports/work-keys";
import { createVaultKeys } from "../src/work/keys/vault-keys";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const audience = "https://vault.azure.net";
const directory = mkdtempSync(path.join(tmpdir(), "postern-keys-"));
let nowMs = Date.UTC(2026, 0, 1);
let entra: EntraEmulator;
let vault: KeyVaultEmulator;
let certificates: Awaited<ReturnType<typeof localCertificates>>;
let logged: Record<string, unknown>[] = [];

beforeAll(async () => {
  certificates = await localCertificates(directory);
  setDefaultCACertificates([
    ...getCACertificates("default"),
    readFileSync(certificates.caFile, "utf8"),
  ]);
  entra = await startEntraEmulator({ certificates, tenantId: "t", clients: [] });
});
beforeEach(async () => {
  await vault?.close();
  logged = [];
  vault = await startKeyVaultEmulator({
    certificates,
    issuer: entra.issuer,
    nowMs: () => nowMs,
    topology: {
      rights: [
        { principal: "cloud", secret: workKeySecretName, verbs: ["get", "list"] },
        { principal: "operator", secret: "*", verbs: ["set", "delete"] },
      ],
    },
  });
});
afterAll(async () => {
  await vault.close();
  await entra.close();
});

/** One instance of the cloud. */
function instance(url = vault.url): WorkKeys {
  const credential = {
    getToken: async () => ({
      token: await entra.issueToken({ clientId: "cloud", audience }),
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  };
  const clock = { now: () => nowMs };
  const logger = createLogger(
    (line) => logged.push(JSON.parse(line) as Record<string, unknown>),
    clock,
  );
  const settings = { url, disableChallengeResourceVerification: true };
  return createVaultKeys({ secrets: createSecretVersions(settings, credential), clock, logger });
}

async function operate(method: string, rest: string, body: unknown): Promise<KeyId> {
  const token = await entra.issueToken({ clientId: "operator", audience });
  const url = `${vault.url}/secrets/${workKeySecretName}${rest}?api-version=7.6`;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const reply = await fetch(url, { method, headers, body: JSON.stringify(body) });
  expect(reply.status).toBe(200);
  const { id } = (await reply.json()) as { id: string };
  return KeyId.parse(id.split("/").at(-1));
}
const rotate = (value = randomBytes(32).toString("base64")): Promise<KeyId> =>
  operate("PUT", "", { value });
const revoke = (id: KeyId): Promise<KeyId> =>
  operate("PATCH", `/${id}`, { attributes: { enabled: false } });

const count = (operation: string): number => vault.stats()[`requests.secrets.${operation}`] ?? 0;
const events = (): unknown[] => logged.map(({ event }) => event);
const later = (ms: number): void => void (nowMs += ms);

describe("the keys of the vault", () => {
  test("the first one signs at once, and one list and one value serve a thousand messages", async () => {
    const first = await rotate();
    const keys = instance();
    const signing = await Promise.all(Array.from({ length: 1_000 }, () => keys.signing()));
    expect(new Set(signing.map(({ id }) => id))).toEqual(new Set([first]));
    expect(signing[0]?.secret).toHaveLength(32);
    for (let n = 0; n < 100; n += 1)
      expect(await keys.verifying(first)).toMatchObject({ kind: "known" });
    expect([count("versions"), count("get")]).toEqual([1, 1]);
  });

  test("are listed again once a minute while used, and no value is read twice", async () => {
    await rotate();
    const keys = instance();
    for (let second = 0; second < 600; second += 1) {
      await keys.signing();
      later(SECOND_MS);
    }
    expect(count("get")).toBe(1);
    expect(count("versions")).toBeGreaterThanOrEqual(10);
    expect(count("versions")).toBeLessThanOrEqual(15);
    const idle = count("versions");
    later(60 * MINUTE_MS);
    expect(count("versions")).toBe(idle);
  });

  test("over two rotations every instance verifies what any instance signs, and values are read once each", async () => {
    const issued: KeyId[] = [await rotate()];
    const instances = [instance(), instance(), instance()];
    const signedBy = new Map<KeyId, number>();
    for (let step = 0; step < 240; step += 1) {
      if (step === 60 || step === 140) issued.push(await rotate());
      later(20 * SECOND_MS);
      for (const [n, signer] of instances.entries()) {
        // Not all are used at every moment.
        if ((step + n) % 3 === 0) continue;
        const { id } = await signer.signing();
        signedBy.set(id, (signedBy.get(id) ?? 0) + 1);
        for (const reader of instances) {
          const finding = await reader.verifying(id);
          expect(finding.kind).toBe("known");
        }
      }
    }
    expect([...signedBy.keys()]).toEqual(issued);
    expect(count("get")).toBe(issued.length * instances.length);
    const reader = instance();
    const found = await Promise.all(issued.map((id) => reader.verifying(id)));
    const signs = found.map((finding) =>
      finding.kind === "known" ? [finding.key.signsFromMs, finding.key.signsUntilMs] : [],
    );
    expect(signs[0]?.[1]).toBe(signs[1]?.[0]);
    expect(signs[1]?.[1]).toBe(signs[2]?.[0]);
    expect(signs[2]?.[1]).toBeNull();
  });

  test("a new one signs 15 minutes after its creation, not before", async () => {
    const first = await rotate();
    later(60 * MINUTE_MS);
    const keys = instance();
    const second = await rotate();
    expect((await keys.signing()).id).toBe(first);
    expect(await keys.verifying(second)).toMatchObject({ kind: "known" });
    later(15 * MINUTE_MS - SECOND_MS);
    expect((await keys.signing()).id).toBe(first);
    later(SECOND_MS);
    expect((await keys.signing()).id).toBe(second);
  });

  test("a revoked one is revoked within a minute, and the next one signs at once", async () => {
    const leaked = await rotate();
    const keys = instance();
    expect((await keys.signing()).id).toBe(leaked);
    later(60 * MINUTE_MS);
    const fresh = await rotate();
    await revoke(leaked);
    later(MINUTE_MS);
    expect(await keys.verifying(leaked)).toEqual({ kind: "revoked" });
    expect((await keys.signing()).id).toBe(fresh);
    // An instance that knew nothing of the new one finds it when it sees its first code.
    const other = instance();
    expect(await other.verifying(fresh)).toMatchObject({ kind: "known" });
  });

  test("invented ids cause one read in five seconds, however many come", async () => {
    const first = await rotate();
    const keys = instance();
    await keys.signing();
    const before = count("versions");
    for (let second = 0; second < 20; second += 1) {
      later(SECOND_MS);
      const invented = Array.from({ length: 50 }, () =>
        KeyId.parse(randomBytes(16).toString("hex")),
      );
      const found = await Promise.all(invented.map((id) => keys.verifying(id)));
      expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["unknown"]));
      expect(await keys.verifying(first)).toMatchObject({ kind: "known" });
    }
    expect(count("versions") - before).toBeLessThanOrEqual(4);
    expect(count("get")).toBe(1);
  });

  test("go on signing and verifying while the vault is away, which is said once", async () => {
    const first = await rotate();
    const keys = instance();
    await keys.signing();
    vault.faults.add({ kind: "refuse", status: 403 });
    for (let minute = 0; minute < 5; minute += 1) {
      later(MINUTE_MS);
      expect((await keys.signing()).id).toBe(first);
      expect(await keys.verifying(first)).toMatchObject({ kind: "known" });
    }
    await expect(keys.verifying(KeyId.parse("somebody"))).rejects.toMatchObject({
      name: "ServiceUnavailable",
      service: "key-vault",
    });
    expect(events()).toEqual(["vault.failed"]);
    vault.faults.clear();
    later(MINUTE_MS);
    // Nobody waits for a vault that was away: the read goes on behind the reply.
    await keys.signing();
    while (events().length < 2) await sleep(10);
    expect(events()).toEqual(["vault.failed", "vault.recovered"]);
  });

  test("a vault that is slow holds up nobody who has keys, until they are a minute old", async () => {
    await rotate();
    const keys = instance();
    await keys.signing();
    vault.faults.add({ kind: "delay", delayMs: 1_000, times: 1 });
    later(50 * SECOND_MS);
    const began = performance.now();
    await keys.signing();
    expect(performance.now() - began).toBeLessThan(500);
    later(20 * SECOND_MS);
    await keys.signing();
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  test("without any in memory and without a vault, the failure passes when the vault is back", async () => {
    const gone = instance("https://localhost:1");
    await expect(gone.signing()).rejects.toMatchObject({ service: "key-vault" });
    const first = await rotate();
    const keys = instance();
    vault.faults.add({ kind: "throttle", retryAfterMs: 0, operation: "secrets.get" });
    await expect(keys.signing()).rejects.toMatchObject({ service: "key-vault" });
    await expect(keys.verifying(first)).rejects.toMatchObject({ service: "key-vault" });
    vault.faults.clear();
    later(5 * SECOND_MS);
    expect((await keys.signing()).id).toBe(first);
  });

  test("a secret that was never made, or was deleted, is named, and deletion revokes nothing", async () => {
    const keys = instance();
    await expect(keys.signing()).rejects.toThrow(/no enabled version of the secret 'work-key'/);
    const first = await rotate();
    later(5 * SECOND_MS);
    expect((await keys.signing()).id).toBe(first);
    await operate("DELETE", "", undefined);
    later(2 * MINUTE_MS);
    expect((await keys.signing()).id).toBe(first);
    expect(events()).toContain("vault.failed");
  });

  test("a version that holds no key is named once, without its value, and the others serve", async () => {
    const first = await rotate();
    later(MINUTE_MS);
    const bad = await rotate("canary: not a key");
    later(60 * MINUTE_MS);
    const keys = instance();
    for (let minute = 0; minute < 3; minute += 1) {
      expect((await keys.signing()).id).toBe(first);
      later(MINUTE_MS);
    }
    expect(await keys.verifying(bad)).toEqual({ kind: "unknown" });
    const rejected = logged.filter(({ event }) => event === "work-key.rejected");
    expect(rejected).toMatchObject([
      { version: bad, problem: expect.stringContaining("not base64") },
    ]);
    expect(JSON.stringify(logged)).not.toContain("canary");
  });

  test("a vault that gives no right is named with what it answered", async () => {
    await rotate();
    await vault.close();
    vault = await startKeyVaultEmulator({ certificates, issuer: entra.issuer });
    await expect(instance().signing()).rejects.toThrow(
      "the vault does not give the versions of the secret 'work-key': it answers 403 Forbidden",
    );
  });
});
