import { z } from "zod";

/** Databases and containers to create at the start; those that exist are left as they are. */
export const Topology = z.strictObject({
  databases: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(255),
        containers: z
          .array(
            z.strictObject({
              id: z.string().min(1).max(255),
              partitionKeyPaths: z.array(z.string().startsWith("/")).min(1).max(3),
              defaultTtlSeconds: z
                .int()
                .refine((ttl) => ttl === -1 || ttl > 0, "must be -1, null or a positive number")
                .nullable()
                .default(null),
              uniqueKeys: z
                .array(z.array(z.string().startsWith("/")).min(1).max(16))
                .max(10)
                .default([]),
            }),
          )
          .max(500),
      }),
    )
    .max(100),
});
export type Topology = z.infer<typeof Topology>;
export type TopologyInput = z.input<typeof Topology>;
