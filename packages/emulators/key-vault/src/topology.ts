/** What a vault is started with: who may do what with which secret, and the secrets that it makes on first use. */
import { z } from "zod";

const MAX_SECRET_CHARS = 25_600;
const MAX_ENTRIES = 1_000;

/** 1 to 127 letters, digits and hyphens, as the service takes them. */
export const SecretName = z
  .string()
  .regex(/^[0-9A-Za-z-]{1,127}$/, { error: "must be 1 to 127 letters, digits and hyphens" });

/** Key Vault's data actions: `list` reads properties, `set` also changes them, `delete` also recovers. */
export const Verb = z.enum(["get", "list", "set", "delete", "purge"]);
export type Verb = z.infer<typeof Verb>;

/** A role assignment: on one secret, or with `*` on the vault. */
export const Right = z.strictObject({
  /** Object id of a user or a service principal, or the client id of an application. */
  principal: z.string().min(1).max(200),
  secret: z.union([z.literal("*"), SecretName]),
  verbs: z.array(Verb).min(1).max(5),
});
export type Right = z.infer<typeof Right>;

const FirstVersion = z
  .strictObject({
    name: SecretName,
    value: z.string().min(1).max(MAX_SECRET_CHARS).optional(),
    /** Makes a value of so many random bytes, in base64. */
    randomBytes: z.int().min(16).max(1024).optional(),
  })
  .refine(({ value, randomBytes }) => (value === undefined) !== (randomBytes === undefined), {
    error: "set either value or randomBytes",
  });

export const Topology = z.strictObject({
  rights: z.array(Right).max(MAX_ENTRIES).default([]),
  /** Each is made unless the vault has a secret of the name. */
  secrets: z.array(FirstVersion).max(MAX_ENTRIES).default([]),
});
export type Topology = z.infer<typeof Topology>;
export type TopologyInput = z.input<typeof Topology>;
