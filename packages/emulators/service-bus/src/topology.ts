import { z } from "zod";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Shorter than the 5 s of the real service, so that tests need not wait. */
const MIN_LOCK_MS = 100;
const MAX_LOCK_MS = 5 * MINUTE_MS;
const MAX_DUPLICATE_WINDOW_MS = 7 * DAY_MS;
const MAX_TTL_MS = 2 ** 31 * 1000;

export const QueueTopology = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(260)
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?$/, {
      error:
        "letters, digits, '.', '-', '_' and '/' only, starting and ending with a letter or digit",
    }),
  requiresSession: z.boolean().default(false),
  lockDurationMs: z.int().min(MIN_LOCK_MS).max(MAX_LOCK_MS).default(MINUTE_MS),
  duplicateDetectionWindowMs: z
    .int()
    .min(100)
    .max(MAX_DUPLICATE_WINDOW_MS)
    .nullable()
    .default(null),
  defaultTtlMs: z.int().min(1).max(MAX_TTL_MS).nullable().default(null),
  maxDeliveryCount: z.int().min(1).max(2000).default(10),
  deadLetterOnExpiry: z.boolean().default(false),
});
export type QueueTopology = z.infer<typeof QueueTopology>;

export const Topology = z
  .strictObject({ queues: z.array(QueueTopology).max(10_000) })
  .superRefine(({ queues }, context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of queues.entries()) {
      const key = name.toLowerCase();
      if (seen.has(key)) {
        context.addIssue({
          code: "custom",
          path: ["queues", index, "name"],
          message: `a queue '${name}' is there already (names differ by more than case)`,
        });
      }
      seen.add(key);
    }
  });
export type Topology = z.infer<typeof Topology>;
export type TopologyInput = z.input<typeof Topology>;
