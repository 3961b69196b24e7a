import type { MessageId } from "../words/ids";
import { limits } from "../words/limits";
import type { WorkItem, WorkMessage } from "./work-message";
import type { AuthenticationCode } from "./work-proof";

/** Half of a message: the other half is for reasons and attempts, should all of its items fail. */
const PART_PAYLOAD_BYTES = limits.messageBytes / 2;

/**
 * The parts in which an agent reports a work message. The consumer counts one result for each work message id, so the
 * borders and ids of the parts are the same at every delivery: the cloud draws the borders when it makes the message,
 * which carries them with their codes.
 */
export interface ReportPart {
  /** Of the message itself for the first part; `DEF:V.03.0#1` → `DEF:V.03.0~2#1` for the second. */
  readonly id: MessageId;
  /** Indices of its items, the last one excluded. */
  readonly from: number;
  readonly to: number;
}

/** The parts of a message that its sender cuts where `borders` say: the index after the last item of each. */
export function reportParts(messageId: MessageId, borders: readonly number[]): ReportPart[] {
  return borders.map((to, index) => ({
    id: index === 0 ? messageId : partId(messageId, index + 1),
    from: borders[index - 1] ?? 0,
    to,
  }));
}

/** A part of a message that was sent, with the code that its result gives back. */
export interface StampedPart extends ReportPart {
  readonly code: AuthenticationCode;
}

/** The parts of a message, as its proof draws them. */
export function stampedParts({
  messageId,
  proof: { parts },
}: Pick<WorkMessage, "messageId" | "proof">): StampedPart[] {
  const borders = reportParts(
    messageId,
    parts.map(({ to }) => to),
  );
  return parts.flatMap(({ code }, index) => {
    const part = borders[index];
    return part === undefined ? [] : [{ ...part, code }];
  });
}

/** `DEF:V.03.0#1` → `DEF:V.03.0~2#1`: the suffix that names the attempt stays at the end. */
function partId(messageId: MessageId, part: number): MessageId {
  const hash = messageId.indexOf("#");
  const base = hash < 0 ? messageId : messageId.slice(0, hash);
  const attempt = hash < 0 ? "" : messageId.slice(hash);
  const marked = `~${part}${attempt}`;
  return `${base.slice(0, limits.messageIdChars - marked.length)}${marked}` as MessageId;
}

/** Where a new message is cut: the index after the last item of each part. One item is never cut. */
export function reportBorders(items: readonly WorkItem[]): number[] {
  const borders: number[] = [];
  let from = 0;
  let bytes = 0;
  // One item alone is not measured.
  for (const [index, item] of items.length === 1 ? [] : items.entries()) {
    const size = payloadBytes(item);
    if (index > from && bytes + size > PART_PAYLOAD_BYTES) {
      borders.push(index);
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  return [...borders, items.length];
}

/** Bytes of an item on the wire, from above. */
function payloadBytes(item: WorkItem): number {
  let bytes = 480 + jsonTextBytes(item.itemId) + jsonTextBytes(item.entity.id);
  for (const columns of [item.key, item.values]) {
    for (const name in columns) {
      const value = columns[name];
      bytes += jsonTextBytes(name) + 6;
      bytes += typeof value === "string" ? Math.max(value.length * 1.5, jsonTextBytes(value)) : 20;
    }
  }
  return bytes;
}

/** What JSON does not write as one byte: a control character takes six. */
const NOT_PLAIN = /[^ -~]|["\\]/;

/** Bytes of a text within its quotes. Most are plain, and those need no serialisation. */
export function jsonTextBytes(text: string): number {
  return NOT_PLAIN.test(text) ? Buffer.byteLength(JSON.stringify(text)) : text.length;
}
