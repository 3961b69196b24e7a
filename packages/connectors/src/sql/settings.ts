import { isAbsolute } from "node:path";
import { Secret, TargetIdentifier } from "@postern/contracts";
import { z } from "zod";

const url = z
  .union([z.string().max(4_000), z.instanceof(Secret)])
  .transform((value) => (typeof value === "string" ? new Secret(value) : value));

/** Settings of a `sql` target, as they stand under its name in the agent's settings file. */
export const SqlSettings = z
  .strictObject({
    connector: z.literal("sql").optional(),
    /** `sqlite:/absolute/path` or `postgres://user:password@host:port/database`. */
    url: url.optional(),
    /** File that contains the url, so that the settings file contains no password. Read again after a refused login. */
    urlFile: z
      .string()
      .max(4_000)
      .refine(isAbsolute, { error: "must be an absolute path" })
      .optional(),
    /** PostgreSQL: schema of the tables and the inbox. Default: the account's search path. */
    schema: TargetIdentifier.optional(),
    inboxTable: TargetIdentifier.default("postern_inbox"),
    /** Tables that definitions may write. Default: every table that the account may write. */
    allowedObjects: z.array(TargetIdentifier).max(1_000).optional(),
    /** Concurrent transactions. SQLite always has one writer. */
    poolSize: z.int().min(1).max(50).default(4),
    connectTimeoutMs: z.int().min(100).max(60_000).default(5_000),
    statementTimeoutMs: z.int().min(100).max(600_000).default(30_000),
    /** How long a transaction waits for another writer's lock. */
    lockTimeoutMs: z.int().min(10).max(60_000).default(5_000),
  })
  .refine((settings) => (settings.url === undefined) !== (settings.urlFile === undefined), {
    error: "give exactly one of url, urlFile",
  });
export type SqlSettings = z.infer<typeof SqlSettings>;
