/** Whether the properties of a work message are those that the cloud gave it: a receiver may rewrite them. Pure. */
import {
  eventAttribute,
  envelopeCode,
  type EnvelopeFacts,
  type KeyId,
  readPosternProperties,
} from "@postern/contracts";
import type { KeyFinding } from "../ports/work-keys";
import { checkCode, type ProofCheck, type Stamped, unproven } from "./code-check";
import type { Holder } from "./part-check";

export interface Envelope {
  readonly stamped: Stamped;
  readonly facts: EnvelopeFacts;
}

/** What a message says of itself, to be checked. Undefined when its properties do not say all of it. */
export function envelopeOf(
  holder: Holder,
  messageId: string,
  properties: Readonly<Record<string, unknown>>,
): Envelope | undefined {
  const found = readPosternProperties(properties);
  const type = eventAttribute(properties, "type");
  const { definition, cycleId, version, count, stream, target, lane, jobId } = found;
  const { key, issuedAt: at, bodyHash, code } = found;
  if (
    definition === undefined ||
    cycleId === undefined ||
    version === undefined ||
    count === undefined ||
    stream === undefined ||
    target === undefined ||
    lane === undefined ||
    key === undefined ||
    at === undefined ||
    bodyHash === undefined ||
    code === undefined ||
    type === undefined
  ) {
    return undefined;
  }
  const place = { definition, cycleId, version, count, stream, lane, jobId };
  // The same characters as in the code, whatever they are: that of a name no longer valid would not be checked
  // otherwise.
  const facts = { ...holder, ...place, target: target as EnvelopeFacts["target"], key, at };
  return { stamped: { key, at, code }, facts: { ...facts, messageId, type, bodyHash } };
}

export function checkEnvelope(
  envelope: Envelope | undefined,
  finding: (key: KeyId) => KeyFinding,
  nowMs: number,
): ProofCheck {
  if (envelope === undefined) {
    return unproven("code-missing", "the properties carry no readable code");
  }
  const { stamped, facts } = envelope;
  return checkCode(stamped, finding(stamped.key), (secret) => envelopeCode(secret, facts), nowMs);
}
