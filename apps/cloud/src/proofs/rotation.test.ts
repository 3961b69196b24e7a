/** Ten thousand messages that wait in their queues across two rotations: every true result counts. */
import { expect, test } from "@jest/globals";
import {
  contentHash,
  type DefinitionId,
  type GroupName,
  itemIdOf,
  laneOf,
  type MessageId,
  Secret,
  type Version,
  type WorkMessage,
  type WorkMessageResult,
  workProof,
} from "@postern/contracts";
import { ServiceUnavailable } from "@postern/runtime";
import { randomBytes } from "node:crypto";
import type { SecretVersion, SecretVersions } from "../ports/secret-versions";
import { createVaultKeys } from "../work/keys/vault-keys";
import { signerNow } from "./signing";
import { verifyResults } from "./verification";

const MESSAGES = 10_000;
const DAY_MS = 24 * 60 * 60_000;
/** Work may wait 14 days in its queue, and its result 14 more. */
const LONGEST_WAIT_DAYS = 28;
const START_MS = Date.parse("2026-01-01T00:00:00Z");

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};
const stamp = {
  tenant: "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001",
  branch: "oslo",
  source: "/test",
  owner: "test",
  groups: [],
} as never;
const group = "main" as GroupName;
const definition = "people" as DefinitionId;

class MemoryVault {
  readonly #versions: (SecretVersion & { readonly value: string })[] = [];
  nowMs = START_MS;

  rotate(): void {
    const id = (this.#versions.length + 1).toString(16).padStart(32, "0");
    const value = randomBytes(32).toString("base64");
    this.#versions.push({ id, createdMs: this.nowMs, enabled: true, value });
  }

  revoke(index: number): void {
    const version = this.#versions[index];
    if (version !== undefined) this.#versions[index] = { ...version, enabled: false };
  }

  /** As one instance sees it, which may be cut off. */
  seenBy(instance: { cutOff: boolean }): SecretVersions {
    const guarded = async <T>(read: () => T): Promise<T> => {
      if (instance.cutOff) throw new ServiceUnavailable("key-vault", "cut off");
      return read();
    };
    return {
      versions: () => guarded(() => this.#versions.map(({ value: _value, ...version }) => version)),
      value: (_name, id) =>
        guarded(() => new Secret(this.#versions.find((one) => one.id === id)?.value ?? "")),
    };
  }
}

function messageOf(n: number): Omit<WorkMessage, "proof"> {
  const entity = { type: "user", id: `u${n}` } as const;
  const version = (START_MS + n) as Version;
  const content = { desired: "present", object: "people", key: { n }, values: {} } as const;
  const itemId = itemIdOf(definition, entity, version);
  return {
    messageId: `people:${version}.00.0#0` as MessageId,
    tenant: "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001" as never,
    branch: "oslo" as never,
    definition,
    stream: "users",
    group,
    target: "db" as never,
    lane: laneOf(definition, entity),
    cycleId: "c1" as never,
    version,
    items: [{ itemId, entity, version, ...content, hash: contentHash(content) }],
  };
}

function resultOf(message: WorkMessage): WorkMessageResult {
  const { key, at, parts } = message.proof;
  const { messageId, stream, target, lane, cycleId, version, items } = message;
  return {
    workMessageId: messageId,
    ...{ definition, stream, target, lane, cycleId, version },
    items: items.map(({ itemId, entity, version: of, hash }) => ({
      ...{ itemId, entity, version: of, hash },
      outcome: "applied",
    })),
    proof: { key, at, code: parts[0]?.code ?? "" },
  };
}

test("ten thousand results across two rotations count, whenever they come; those of a leaked key do not", async () => {
  const vault = new MemoryVault();
  const clock = { now: () => vault.nowMs };
  const sender = { cutOff: false };
  const consumer = { cutOff: false };
  const portsOf = (instance: { cutOff: boolean }) => ({
    stamp,
    clock,
    workKeys: createVaultKeys({ secrets: vault.seenBy(instance), clock, logger: quiet }),
  });
  const [sending, consuming] = [portsOf(sender), portsOf(consumer)];

  const steps: { readonly atMs: number; readonly run: () => Promise<void> }[] = [];
  const at = (days: number, run: () => Promise<void> | void): void => {
    steps.push({ atMs: START_MS + days * DAY_MS, run: async () => run() });
  };
  const results: WorkMessageResult[] = [];
  const refused: string[] = [];
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  vault.rotate();
  at(10, () => vault.rotate());
  // The instance that sends cannot reach the vault when the key changes: it goes on with the old one.
  at(19.9, () => void (sender.cutOff = true));
  at(20, () => vault.rotate());
  at(21, () => void (sender.cutOff = false));
  for (let n = 0; n < MESSAGES; n += 1) {
    const sentDays = random() * 30;
    at(sentDays, async () => {
      const message = messageOf(n);
      const signed = { ...message, proof: workProof(await signerNow(sending), message) };
      results.push(resultOf(signed));
      at(sentDays + random() * LONGEST_WAIT_DAYS, async () => {
        const [check] = await verifyResults(consuming, group, [resultOf(signed)]);
        if (check?.proven !== true) refused.push(`${n}: ${JSON.stringify(check)}`);
      });
      steps.sort((one, other) => other.atMs - one.atMs);
    });
  }
  steps.sort((one, other) => other.atMs - one.atMs);
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    vault.nowMs = Math.max(vault.nowMs, step.atMs);
    await step.run();
  }
  expect(results).toHaveLength(MESSAGES);
  expect(refused).toEqual([]);
  const keys = [...new Set(results.map(({ proof }) => proof.key))];
  expect(keys).toHaveLength(3);

  vault.revoke(1);
  vault.nowMs += 2 * 60_000;
  const young = results.filter(({ proof }) => vault.nowMs - Date.parse(proof.at) < 28 * DAY_MS);
  await consuming.workKeys.signing();
  const checks = await verifyResults(consuming, group, young);
  for (const [index, check] of checks.entries()) {
    expect(check.proven).toBe(young[index]?.proof.key !== keys[1]);
  }
}, 120_000);
