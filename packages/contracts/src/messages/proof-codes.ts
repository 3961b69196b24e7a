/**
 * Authentication codes: how the cloud recognises its own work in what comes back to it. The cloud stamps each report
 * part of a work message, each message's properties and each lease of a job; a report counts only with the code of the
 * very work that it reports (ADR 0013).
 *
 * A code is HMAC-SHA-256 over the texts below. Each text goes with its length before it, so that no two lists of texts
 * give the same bytes, and each kind of code begins with a label, so that none passes for another.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { WorkItem, WorkMessage } from "./work-message";
import type { AuthenticationCode, KeyId } from "./work-proof";

/** What a code says about one item. */
export type ProvenItem = Pick<WorkItem, "itemId" | "entity" | "version" | "hash">;

/** What the code of a report part covers. */
export interface PartFacts extends Pick<
  WorkMessage,
  | "tenant"
  | "branch"
  | "group"
  | "target"
  | "definition"
  | "stream"
  | "lane"
  | "cycleId"
  | "jobId"
  | "version"
  | "firstAttemptAt"
> {
  readonly key: KeyId;
  readonly at: string;
  /** Id of the part: the work message id of its result. */
  readonly partId: string;
  readonly items: readonly ProvenItem[];
}

/** What the code in the properties of a work message covers: enough to account for it, and to send it again. */
export interface EnvelopeFacts extends Pick<
  WorkMessage,
  "tenant" | "branch" | "group" | "target" | "definition" | "cycleId" | "jobId" | "version"
> {
  readonly key: KeyId;
  readonly at: string;
  readonly messageId: string;
  readonly stream: string;
  readonly lane: string;
  readonly count: number;
  /** CloudEvents type. */
  readonly type: string;
  /** SHA-256 (hex) of the body's text. */
  readonly bodyHash: string;
}

/** What the code of a lease covers. */
export interface LeaseFacts {
  readonly key: KeyId;
  readonly at: string;
  readonly tenant: string;
  readonly branch: string;
  readonly group: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly agent: string;
}

/** The secret of a key: 32 bytes or more. */
export type KeyBytes = Uint8Array;

type Text = string | number | undefined;

export function partCode(secret: KeyBytes, facts: PartFacts): AuthenticationCode {
  return code(secret, "postern.part.1", [
    ...placeTexts(facts),
    facts.stream,
    facts.lane,
    facts.partId,
    facts.firstAttemptAt,
    facts.items.length,
    ...facts.items.flatMap(({ itemId, entity, version, hash }): Text[] => [
      itemId,
      entity.type,
      entity.id,
      version,
      hash,
    ]),
  ]);
}

export function envelopeCode(secret: KeyBytes, facts: EnvelopeFacts): AuthenticationCode {
  return code(secret, "postern.envelope.1", [
    ...placeTexts(facts),
    facts.stream,
    facts.lane,
    facts.messageId,
    facts.type,
    facts.count,
    facts.bodyHash,
  ]);
}

export function leaseCode(secret: KeyBytes, facts: LeaseFacts): AuthenticationCode {
  const { key, at, tenant, branch, group, jobId, attempt, agent } = facts;
  return code(secret, "postern.lease.1", [key, at, tenant, branch, group, jobId, attempt, agent]);
}

function placeTexts(facts: PartFacts | EnvelopeFacts): Text[] {
  const { key, at, tenant, branch, group, target, definition, cycleId, jobId, version } = facts;
  return [key, at, tenant, branch, group, target, definition, cycleId, jobId, version];
}

function code(secret: KeyBytes, label: string, texts: readonly Text[]): AuthenticationCode {
  const bytes = [label, ...texts].map(lengthPrefixed).join("");
  return createHmac("sha256", secret).update(bytes).digest("base64url");
}

/** `5:hello`; what is absent is `-`, which no length begins with. */
function lengthPrefixed(text: Text): string {
  if (text === undefined) return "-";
  const written = String(text);
  return `${Buffer.byteLength(written)}:${written}`;
}

/** In constant time: how many characters of a guess are right must not show. */
export function isSameCode(one: AuthenticationCode, other: AuthenticationCode): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
