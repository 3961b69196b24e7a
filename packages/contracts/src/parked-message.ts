import { z } from "zod";
import { AgentId, BranchId, GroupName, MessageId, TargetName, TenantId, Timestamp } from "./ids";
import { limits } from "./limits";

export const PARKED_MESSAGE_TYPE = "postern.sync.parked.v1";

/** Application properties of a message: the CloudEvents attributes and the accounting. */
const Properties = z
  .record(z.string().max(100), z.union([z.string().max(1_000), z.number(), z.boolean()]))
  .refine((properties) => Object.keys(properties).length <= 40, { error: "at most 40 properties" });

const parked = {
  group: GroupName,
  agent: AgentId,
  target: TargetName,
  sessionId: z.string().min(1).max(128),
  /** Message id that the broker delivered it under. */
  workMessageId: MessageId,
  /** The type that the agent does not read, with its major. */
  unreadType: z.string().max(100),
  reason: z.string().max(limits.reasonChars),
  properties: Properties,
  /** The message's JSON as it came. */
  payload: z.string().max(limits.messageBytes),
};

/**
 * A work message of a major version that the agent does not read. Nobody is to blame and nothing is lost: the cloud keeps it
 * and sends it again when an agent of the group reads that major.
 */
export const ParkedMessage = z.object({
  messageId: MessageId,
  tenant: TenantId,
  branch: BranchId,
  at: Timestamp,
  ...parked,
});
export type ParkedMessage = z.infer<typeof ParkedMessage>;

/** A parked message as the cloud keeps it. */
export const ParkedRecord = z.object({
  /** Made from the message id, so that parking twice is parking once. */
  id: z.string().max(200),
  state: z.enum(["parked", "sent"]),
  parkedAt: Timestamp,
  sentAt: Timestamp.nullable(),
  ...parked,
  ttl: z.int().optional(),
});
export type ParkedRecord = z.infer<typeof ParkedRecord>;
