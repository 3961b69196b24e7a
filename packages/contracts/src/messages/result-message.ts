import { z } from "zod";
import { EntityRef, StreamName } from "../words/entity";
import {
  AgentId,
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
import { FailureClass, ItemOutcome } from "../words/outcome";
import { Attempt, ContentHash, WorkItem } from "./work-message";
import { PartProof } from "./work-proof";

export const RESULT_MESSAGE_TYPE = "postern.sync.result.v1";

/** One item's outcome. Everything that is not applied, unchanged or superseded says why. */
export const ItemResult = z.object({
  itemId: ItemId,
  entity: EntityRef,
  version: Version,
  /** As the work message gave it. */
  hash: ContentHash,
  outcome: ItemOutcome,
  failure: FailureClass.optional(),
  /** Code of the closed set; see error-codes. */
  code: z.string().max(limits.codeChars).optional(),
  /** For a person: what is wrong and the way out. */
  reason: z.string().max(limits.reasonChars).optional(),
  /** When to retry a waiting item. */
  retryAt: Timestamp.optional(),
  attempts: z.array(Attempt).max(limits.attemptsListed).optional(),
  firstAttemptAt: Timestamp.optional(),
  /** The item itself, if it waits or is dead-lettered: the consumer of the result needs it to continue. */
  item: WorkItem.optional(),
});
export type ItemResult = z.infer<typeof ItemResult>;

/** What became of one work message. */
export const WorkMessageResult = z.object({
  workMessageId: MessageId,
  definition: DefinitionId,
  stream: StreamName,
  target: TargetName,
  lane: Lane,
  cycleId: CycleId,
  jobId: JobId.optional(),
  version: Version,
  traceparent: z.string().max(limits.traceparentChars).optional(),
  /** All of the part's items, in the order of the work message. */
  items: z.array(ItemResult).min(1).max(limits.itemsPerMessage),
  /** Shows that the sender held this work. */
  proof: PartProof,
});
export type WorkMessageResult = z.infer<typeof WorkMessageResult>;

/** A batch of results, delivered at least once; consumed idempotently by `workMessageId`. */
export const ResultMessage = z.object({
  messageId: MessageId,
  tenant: TenantId,
  branch: BranchId,
  group: GroupName,
  agent: AgentId,
  at: Timestamp,
  results: z.array(WorkMessageResult).min(1).max(limits.messagesPerResult),
});
export type ResultMessage = z.infer<typeof ResultMessage>;
