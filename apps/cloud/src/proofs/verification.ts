/** Reads the keys that codes name, and checks the codes: the effects around the pure checks. */
import {
  type GroupName,
  type JobResultMessage,
  type KeyId,
  leaseCode,
  type WorkMessage,
  type WorkMessageResult,
} from "@postern/contracts";
import type { SyncPorts } from "../ports/cloud-ports";
import type { KeyFinding } from "../ports/work-keys";
import { checkCode, type ProofCheck } from "./code-check";
import { checkEnvelope, envelopeOf } from "./envelope-check";
import { checkResult, checkWork, type Holder } from "./part-check";

export type ProofPorts = Pick<SyncPorts, "stamp" | "clock" | "workKeys">;

export function holderOf({ stamp }: Pick<ProofPorts, "stamp">, group: GroupName): Holder {
  return { tenant: stamp.tenant, branch: stamp.branch, group };
}

/** @throws ServiceUnavailable when a key is neither in memory nor to be read */
export async function verifyResults(
  ports: ProofPorts,
  group: GroupName,
  results: readonly WorkMessageResult[],
): Promise<ProofCheck[]> {
  const keyOf = await keysOf(
    ports,
    results.map(({ proof }) => proof.key),
  );
  const holder = holderOf(ports, group);
  const nowMs = ports.clock.now();
  return results.map((result) => checkResult(holder, result, keyOf(result.proof.key), nowMs));
}

/** A work message as a whole: every part of it. @throws ServiceUnavailable */
export async function verifyWork(
  ports: ProofPorts,
  group: GroupName,
  message: WorkMessage,
): Promise<ProofCheck> {
  const finding = await ports.workKeys.verifying(message.proof.key);
  return checkWork(holderOf(ports, group), message, finding, ports.clock.now());
}

/** @throws ServiceUnavailable */
export async function verifyLease(
  ports: ProofPorts,
  group: GroupName,
  { jobId, attempt, agent, proof }: JobResultMessage,
): Promise<ProofCheck> {
  const finding = await ports.workKeys.verifying(proof.key);
  const facts = { ...holderOf(ports, group), key: proof.key, at: proof.at, jobId, attempt, agent };
  return checkCode(proof, finding, (secret) => leaseCode(secret, facts), ports.clock.now());
}

/** @throws ServiceUnavailable */
export async function verifyEnvelope(
  ports: ProofPorts,
  group: GroupName,
  messageId: string,
  properties: Readonly<Record<string, unknown>>,
): Promise<ProofCheck> {
  const envelope = envelopeOf(holderOf(ports, group), messageId, properties);
  const keyOf = await keysOf(ports, envelope === undefined ? [] : [envelope.stamped.key]);
  return checkEnvelope(envelope, keyOf, ports.clock.now());
}

async function keysOf(
  { workKeys }: Pick<ProofPorts, "workKeys">,
  ids: readonly KeyId[],
): Promise<(id: KeyId) => KeyFinding> {
  const found = new Map<KeyId, KeyFinding>();
  for (const id of new Set(ids)) found.set(id, await workKeys.verifying(id));
  return (id) => found.get(id) ?? { kind: "unknown" };
}
