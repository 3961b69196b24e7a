import { z } from "zod";
import { limits } from "./limits";

const name = z
  .string()
  .max(limits.nameChars)
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, {
    error: "must be lower-case letters, digits and single hyphens, beginning with a letter",
  });

/** A sync definition, as its owner named it. */
export const DefinitionId = name.brand<"DefinitionId">();
export type DefinitionId = z.infer<typeof DefinitionId>;

/** A worker group: agents that share queues and a ledger. */
export const GroupName = name.brand<"GroupName">();
export type GroupName = z.infer<typeof GroupName>;

/** A target as the cloud knows it. Only the agent's own settings know its address. */
export const TargetName = name.brand<"TargetName">();
export type TargetName = z.infer<typeof TargetName>;

/** A branch: one stamp of the platform. */
export const BranchId = name.brand<"BranchId">();
export type BranchId = z.infer<typeof BranchId>;

/** An agent, unique in its branch. */
export const AgentId = z
  .string()
  .max(limits.nameChars)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, {
    error: "must be letters, digits, dots and hyphens",
  })
  .brand<"AgentId">();
export type AgentId = z.infer<typeof AgentId>;

/** A Microsoft Entra tenant. */
export const TenantId = z
  .string()
  .max(64)
  .regex(/^[0-9a-f-]{36}$/i, { error: "must be a GUID" })
  .brand<"TenantId">();
export type TenantId = z.infer<typeof TenantId>;

const timeSorted = z
  .string()
  .max(limits.timeSortedIdChars)
  .regex(/^[A-Za-z0-9_-]+$/);

/** A cycle. Sorts by the time at which it began. */
export const CycleId = timeSorted.brand<"CycleId">();
export type CycleId = z.infer<typeof CycleId>;

/** A job. Sorts by the time at which it was accepted. */
export const JobId = timeSorted.brand<"JobId">();
export type JobId = z.infer<typeof JobId>;

/** A work item: definition + entity + version, the same at every delivery, retry and replay. */
export const ItemId = z.string().min(1).max(300).brand<"ItemId">();
export type ItemId = z.infer<typeof ItemId>;

/** A message on Service Bus. A retry has another one, since duplicate detection also covers scheduled messages. */
export const MessageId = z.string().min(1).max(limits.messageIdChars).brand<"MessageId">();
export type MessageId = z.infer<typeof MessageId>;

/** A lane, `DEFINITION/00` to `DEFINITION/15`: session id and partition key of everything about its entities. */
export const Lane = z
  .string()
  .max(limits.nameChars + 3)
  .regex(/^[a-z][a-z0-9-]*\/(0\d|1[0-5])$/)
  .brand<"Lane">();
export type Lane = z.infer<typeof Lane>;

/**
 * A fencing version: a whole number from the definition's one counter. The counter starts at Unix milliseconds, so that
 * a restored store cannot fall behind the versions its targets have already seen.
 */
export const Version = z.int().min(1).max(Number.MAX_SAFE_INTEGER).brand<"Version">();
export type Version = z.infer<typeof Version>;

export const Timestamp = z.iso.datetime({ offset: false });
export const Traceparent = z.string().regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
