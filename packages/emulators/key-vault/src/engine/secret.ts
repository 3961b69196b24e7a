import { z } from "zod";

const Seconds = z.int().min(0);

/** What a caller may change of a version; times are Unix seconds. */
export const SecretChanges = z.object({
  enabled: z.boolean().optional(),
  nbf: Seconds.optional(),
  exp: Seconds.optional(),
  contentType: z.string().max(255).optional(),
  tags: z.record(z.string().max(256), z.string().max(256)).optional(),
});
export type SecretChanges = z.infer<typeof SecretChanges>;

export const SecretVersion = SecretChanges.extend({
  /** 32 hexadecimal digits. */
  id: z.string(),
  /** Never changes. */
  value: z.string(),
  enabled: z.boolean(),
  created: Seconds,
  updated: Seconds,
});
export type SecretVersion = z.infer<typeof SecretVersion>;

/** A secret with its versions, the oldest first. */
export const StoredSecret = z.object({
  name: z.string(),
  versions: z.array(SecretVersion).min(1),
  /** When it was deleted; it can be recovered until it is purged. */
  deleted: Seconds.optional(),
});
export type StoredSecret = z.infer<typeof StoredSecret>;

/** Keeps the secrets of a vault. */
export interface SecretStore {
  load(): StoredSecret[];
  /** Returns when the secrets are where they survive the end of the process. */
  save(secrets: readonly StoredSecret[]): void;
}
