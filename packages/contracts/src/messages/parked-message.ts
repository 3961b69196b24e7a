import { z } from "zod";
import {
  AgentId,
  BranchId,
  CycleId,
  DefinitionId,
  GroupName,
  MessageId,
  TargetName,
  TenantId,
  Timestamp,
  Traceparent,
  Version,
} from "../words/ids";
import { limits } from "../words/limits";

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
 * A work message of a major version that the agent does not read. Nobody is to blame and nothing is lost: the cloud
 * keeps it and sends it again when an agent of the group reads that major.
 */
export const ParkedMessage = z.object({
  messageId: MessageId,
  tenant: TenantId,
  branch: BranchId,
  at: Timestamp,
  ...parked,
});
export type ParkedMessage = z.infer<typeof ParkedMessage>;

/** Made from the message id, so that parking twice is parking once. */
export const ParkedId = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^/\\?#\s]+$/, { error: "must not hold / \\ ? # or white space" });

/** `sent`: to an agent that reads it; it leaves the list when history does. */
export const ParkedState = z.enum(["parked", "sent"]);
export type ParkedState = z.infer<typeof ParkedState>;

/** A parked message as the cloud keeps it. */
export const ParkedRecord = z.object({
  id: ParkedId,
  state: ParkedState,
  parkedAt: Timestamp,
  sentAt: Timestamp.nullable(),
  ...parked,
  ttl: z.int().optional(),
});
export type ParkedRecord = z.infer<typeof ParkedRecord>;

/** A parked message as callers see it. What its properties do not say, or not readably, is null. */
export const ParkedView = z.strictObject({
  id: ParkedId,
  state: ParkedState,
  parkedAt: Timestamp,
  sentAt: Timestamp.nullable(),
  group: GroupName,
  /** The agent that could not read it. */
  agent: AgentId,
  target: TargetName,
  lane: z.string().max(128),
  messageId: MessageId,
  unreadType: z.string().max(100),
  /** For a person: what has to come so that it goes on. */
  reason: z.string().max(limits.reasonChars),
  definition: DefinitionId.nullable(),
  cycleId: CycleId.nullable(),
  version: Version.nullable(),
  /** Work items in it. */
  items: z.int().min(1).nullable(),
  traceparent: Traceparent.nullable(),
  payload: z.string().max(limits.messageBytes),
  /** `redacted`: values of the payload are replaced by their types and lengths. */
  payloadShown: z.enum(["redacted", "full"]),
});
export type ParkedView = z.infer<typeof ParkedView>;
