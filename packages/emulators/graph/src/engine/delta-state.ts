import { z } from "zod";

const Collection = z.enum(["users", "groups"]);
const Count = z.int().min(0);

/** A round of delta: what was requested, and how far it has come. */
export const DeltaState = z.strictObject({
  collection: Collection,
  /** Selected properties; null: all. */
  select: z.array(z.string()).nullable(),
  /** Whether manager or members are tracked. */
  relation: z.boolean(),
  /** Tracked objects; null: all. */
  ids: z.array(z.string()).nullable(),
  /** The round shows changes after this; null: it shows everything. */
  fromSeq: Count.nullable(),
  /** The round shows changes up to this. */
  toSeq: Count,
  phase: z.enum(["objects", "managers"]),
  /** The next object: its index in the round, or in a full round its ordinal. */
  position: Count,
  /** Within one group: how many touched members were shown, and the last member shown by the time it joined. */
  touched: Count,
  joined: Count,
  epoch: Count,
  issuedMs: Count,
});
export type DeltaState = z.infer<typeof DeltaState>;
