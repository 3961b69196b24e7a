import { createHash } from "node:crypto";
import {
  type AgentId,
  type BranchId,
  eventProperties,
  type GroupName,
  limits,
  type MessageId,
  posternProperties,
  RESULT_MESSAGE_TYPE,
  type ResultMessage,
  type TenantId,
  type WorkMessageResult,
} from "@postern/contracts";
import { timestamp } from "@postern/runtime";
import type { OutgoingMessage } from "../ports/broker";
import { resultBytes } from "./report";

/** Characters kept of a SHA-256 in base64url: 192 bits, and ids stay short. */
const ID_DIGEST_CHARS = 32;

/** Results that are sent together, and the deliveries they belong to. */
export interface ReportedWork {
  readonly results: readonly WorkMessageResult[];
  /** Message ids with their delivery counts: the report of a redelivery is a different message. */
  readonly deliveries: string;
}

export interface ResultSource {
  readonly tenant: TenantId;
  readonly branch: BranchId;
  readonly group: GroupName;
  readonly agent: AgentId;
}

/** Packs results into messages, each within the limits of a message. */
export function packResults(
  work: readonly ReportedWork[],
  source: ResultSource,
  now: { readonly wallMs: number; readonly traceparent: string | undefined },
): OutgoingMessage[] {
  return boxes(work.flatMap(({ results }) => results)).map((results, index) => {
    // The digest also covers the contents of the box: after a redelivery the same results may be packed differently,
    // and the broker drops a message whose id it has already accepted.
    const digest = createHash("sha256");
    for (const { deliveries } of work) digest.update(deliveries);
    for (const { workMessageId } of results) digest.update(`${workMessageId}\n`);
    const messageId =
      `r:${digest.digest("base64url").slice(0, ID_DIGEST_CHARS)}.${index}` as MessageId;
    const at = timestamp(now.wallMs);
    const body: ResultMessage = { messageId, ...source, at, results };
    return {
      messageId,
      body,
      properties: {
        ...eventProperties({
          id: messageId,
          source: `agent/${source.agent}`,
          type: RESULT_MESSAGE_TYPE,
          time: at,
          ...(now.traceparent === undefined ? {} : { traceparent: now.traceparent }),
        }),
        ...posternProperties({ group: source.group }),
      },
    };
  });
}

function boxes(results: readonly WorkMessageResult[]): WorkMessageResult[][] {
  const filled: WorkMessageResult[][] = [];
  let box: WorkMessageResult[] = [];
  let bytes = 0;
  for (const result of results) {
    const size = resultBytes(result);
    const full = box.length >= limits.messagesPerResult || bytes + size > limits.messageBytes;
    if (full && box.length > 0) {
      filled.push(box);
      box = [];
      bytes = 0;
    }
    box.push(result);
    bytes += size;
  }
  if (box.length > 0) filled.push(box);
  return filled;
}
