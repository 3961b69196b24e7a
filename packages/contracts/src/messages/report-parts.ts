import type { MessageId } from "../words/ids";
import { limits } from "../words/limits";
import type { WorkItem } from "./work-message";

/** Half of a message: the other half is for reasons and attempts, should all of its items fail. */
const PART_PAYLOAD_BYTES = limits.messageBytes / 2;

/**
 * The parts in which an agent reports a work message. The consumer drops a result whose work message id it has seen, so
 * their borders and ids are the same at every delivery: they are taken from the message alone, never from what became
 * of it. The cloud finds them again when it accounts for a message that was given up.
 */
export interface ReportPart {
  /** Of the message itself for the first part; `DEF:V.03.0#1` → `DEF:V.03.0~2#1` for the second. */
  readonly id: MessageId;
  /** Indices of its items, the last one excluded. */
  readonly from: number;
  readonly to: number;
}

export function reportParts(messageId: MessageId, items: readonly WorkItem[]): ReportPart[] {
  return bordersOf(items).map(([from, to], part) => ({
    id: part === 0 ? messageId : partId(messageId, part + 1),
    from,
    to,
  }));
}

/** `DEF:V.03.0#1` → `DEF:V.03.0~2#1`: the suffix that names the attempt stays at the end. */
function partId(messageId: MessageId, part: number): MessageId {
  const hash = messageId.indexOf("#");
  const base = hash < 0 ? messageId : messageId.slice(0, hash);
  const attempt = hash < 0 ? "" : messageId.slice(hash);
  const marked = `~${part}${attempt}`;
  return `${base.slice(0, limits.messageIdChars - marked.length)}${marked}` as MessageId;
}

/** Index ranges of the parts. An item is never cut, so that one by itself is not measured. */
function bordersOf(items: readonly WorkItem[]): [number, number][] {
  if (items.length === 1) return [[0, 1]];
  const borders: [number, number][] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    const size = payloadBytes(item);
    if (index > from && bytes + size > PART_PAYLOAD_BYTES) {
      borders.push([from, index]);
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  borders.push([from, items.length]);
  return borders;
}

/** Bytes of an item on the wire, from above. */
function payloadBytes(item: WorkItem): number {
  let bytes = 400 + jsonTextBytes(item.itemId) + jsonTextBytes(item.entity.id);
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
