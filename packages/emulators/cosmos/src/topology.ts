import { z } from "zod";
import { StartError } from "./start-error";

/** What an emulator is given at start; containers that exist already are left as they are. */
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

/** Reads the text of a topology file; the error names every field that is wrong. */
export function parseTopology(text: string, name: string): Topology {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new StartError("bad-topology", `${name} is not JSON: ${problem}`, { cause: error });
  }
  const parsed = Topology.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new StartError(
    "bad-topology",
    `${name} is not a valid topology:\n${z.prettifyError(parsed.error)}`,
  );
}
