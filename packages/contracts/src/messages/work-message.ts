import { z } from "zod";
import { EntityRef, StreamName } from "../words/entity";
import {
  BranchId,
  CycleId,
  DefinitionId,
  GroupName,
  ItemId,
  JobId,
  Lane,
  MessageId,
  TargetName,
  TenantId,
  Timestamp,
  Version,
} from "../words/ids";
import { limits } from "../words/limits";
import { WorkProof } from "./work-proof";

/** A value as a target stores it. Absent at the source is null; an empty string stays one. */
export const TargetValue = z.union([
  z.string().max(limits.valueChars),
  z.number(),
  z.boolean(),
  z.null(),
]);
export type TargetValue = z.infer<typeof TargetValue>;

/** A table or view, a directory class, a resource: what the connector calls it. */
export const TargetIdentifier = z
  .string()
  .min(1)
  .max(limits.columnNameChars)
  .regex(/^[A-Za-z_][A-Za-z0-9_$.-]*$/, {
    error: "must begin with a letter or underscore and hold only letters, digits, _ $ . -",
  });

const TargetColumns = z
  .record(TargetIdentifier, TargetValue)
  .refine((columns) => Object.keys(columns).length <= limits.columns, {
    error: `at most ${limits.columns} columns`,
  });

/** SHA-256 in lower-case hexadecimal. */
export const ContentHash = z.string().regex(/^[0-9a-f]{64}$/);

/** One entity's desired state at one version: a level, not an edge. */
export const WorkItem = z.object({
  itemId: ItemId,
  entity: EntityRef,
  version: Version,
  desired: z.enum(["present", "absent"]),
  /** Table (or class, resource) of the target. */
  object: TargetIdentifier,
  /** Key columns and their values, at least one. */
  key: TargetColumns.refine((key) => Object.keys(key).length > 0, {
    error: "at least one key column",
  }),
  /** The other columns; empty when `desired` is absent. */
  values: TargetColumns,
  /** SHA-256 (hex) of desired state, object, key and values: see `contentHash`. */
  hash: ContentHash,
});
export type WorkItem = z.infer<typeof WorkItem>;

/** What a retried item has been through. Absent on the first delivery. */
export const Attempt = z.object({
  at: Timestamp,
  agent: z.string().max(limits.nameChars),
  failure: z.string().max(40),
  code: z.string().max(limits.codeChars),
  reason: z.string().max(limits.failureChars),
});
export type Attempt = z.infer<typeof Attempt>;

export const WORK_MESSAGE_TYPE = "postern.sync.apply.v1";

/** Items of one page and one lane, 1 to 100, that travel, apply and report together. */
const WorkEnvelope = z.object({
  messageId: MessageId,
  tenant: TenantId,
  branch: BranchId,
  definition: DefinitionId,
  stream: StreamName,
  group: GroupName,
  target: TargetName,
  lane: Lane,
  cycleId: CycleId,
  /** On-demand work names its job. */
  jobId: JobId.optional(),
  /** The target is asked for every item, also where the ledger says that it holds this state. */
  verify: z.boolean().optional(),
  /** Version of the page that made the items: every item carries it, but for a released or replayed one. */
  version: Version,
  items: z.array(WorkItem).min(1).max(limits.itemsPerMessage),
  /** Attempts made before this message, newest last; only on a retry. */
  attempts: z.array(Attempt).max(limits.attemptsListed).optional(),
  /** When the first attempt was made; only on a retry. */
  firstAttemptAt: Timestamp.optional(),
  /** An agent reports each part with its code: without one, no report counts. */
  proof: WorkProof,
});
export const WorkMessage = WorkEnvelope.refine(
  ({ items, proof }) => items.length === 0 || proof.parts.at(-1)?.to === items.length,
  { path: ["proof", "parts"], error: "must end with the last item" },
);
export type WorkMessage = z.infer<typeof WorkMessage>;
