/** What proves a report: codes that the cloud stamps on a work message, and that its results give back. */
import { z } from "zod";
import { Timestamp } from "../words/ids";
import { limits } from "../words/limits";

/** Names a key of the cloud: the version of the secret that holds it. */
export const KeyId = z
  .string()
  .max(limits.keyIdChars)
  .regex(/^[0-9A-Za-z-]+$/, { error: "must be letters, digits and hyphens" });
export type KeyId = z.infer<typeof KeyId>;

/** HMAC-SHA-256 in base64url without padding. */
export const AuthenticationCode = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, { error: "must be 43 characters of base64url" });
export type AuthenticationCode = z.infer<typeof AuthenticationCode>;

/** The proofs of a work message: the borders of its report parts, and a code for each. */
export const WorkProof = z.object({
  key: KeyId,
  /** When the cloud stamped it. */
  at: Timestamp,
  parts: z
    .array(
      z.object({
        /** Index of the first item after the part. */
        to: z.int().min(1).max(limits.itemsPerMessage),
        code: AuthenticationCode,
      }),
    )
    .min(1)
    .max(limits.itemsPerMessage)
    .refine((parts) => parts.every(({ to }, index) => to > (parts[index - 1]?.to ?? 0)), {
      error: "each part must end after the one before",
    }),
});
export type WorkProof = z.infer<typeof WorkProof>;

/** The proof that a result gives back: all that its code covers and the result does not say otherwise. */
export const PartProof = z.object({
  key: KeyId,
  at: Timestamp,
  /** As the work message had it; absent when this was its first delivery. */
  firstAttemptAt: Timestamp.optional(),
  code: AuthenticationCode,
});
export type PartProof = z.infer<typeof PartProof>;
