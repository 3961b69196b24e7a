/** Stamps work with the codes that its reports have to give back: what the cloud does before it sends. */
import { createHash } from "node:crypto";
import { type Accounting, type PosternProperties, posternProperties } from "./accounting";
import {
  envelopeCode,
  type EnvelopeFacts,
  type KeyBytes,
  type PartFacts,
  partCode,
} from "./proof-codes";
import { reportBorders, reportParts } from "./report-parts";
import type { WorkMessage } from "./work-message";
import type { KeyId, WorkProof } from "./work-proof";

/** A key of the cloud, and the time that its codes carry: made anew for each page, report or request. */
export interface WorkSigner {
  readonly key: KeyId;
  readonly secret: KeyBytes;
  readonly at: string;
}

/** SHA-256 (hex) of the text of a body, as it goes over the wire. */
export function bodyHash(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

/** The proof of a work message, for what it says apart from its proof. */
export function workProof(
  { key, at, secret }: WorkSigner,
  message: Omit<WorkMessage, "proof">,
): WorkProof {
  const parts = reportParts(message.messageId, reportBorders(message.items)).map(
    ({ id: partId, from, to }) => {
      const items = message.items.slice(from, to);
      const facts: PartFacts = { ...message, key, at, partId, items };
      return { to, code: partCode(secret, facts) };
    },
  );
  return { key, at, parts };
}

/** The application properties of a work message, with their proof. */
export function provenProperties(
  { key, at, secret }: WorkSigner,
  facts: Omit<EnvelopeFacts, "key" | "at"> & Accounting & PosternProperties,
): Record<string, string | number> {
  const { messageId: _id, type: _type, tenant: _tenant, branch: _branch, ...properties } = facts;
  const code = envelopeCode(secret, { ...facts, key, at });
  return posternProperties({ ...properties, key, issuedAt: at, code });
}
