/**
 * The content of a message as the broker keeps it, opaque to the engine:
 *
 *     0      flags: 1 = durable is set, 2 = durable
 *     1      priority, 255 = not set
 *     2..5   length of the annotations
 *     6..7   number of elements (keys and values) of the annotations
 *     8..    encoded annotations of the sender, then everything from the properties section on, as it came
 */
import type { IncomingMessage, Properties, QueueMessage } from "../../engine/model/queue-message";
import { encodeValue } from "../rhea/rhea";
import {
  WireError,
  byteAt,
  encodeCompoundSection,
  encodeString,
  encodeSymbol,
  readBoolean,
  readCompound,
  readNumber,
  readSection,
  readText,
  skipValue,
  type Section,
} from "./amqp-value";
import { randomBytes } from "node:crypto";

const HEADER = 0x70;
const DELIVERY_ANNOTATIONS = 0x71;
const MESSAGE_ANNOTATIONS = 0x72;
const PROPERTIES = 0x73;
const APPLICATION_PROPERTIES = 0x74;
const DATA = 0x75;

const PREFIX_BYTES = 8;
const PRIORITY_NOT_SET = 255;
const MESSAGE_ID_FIELD = 0;
const GROUP_ID_FIELD = 10;
const NULL_VALUE = Buffer.from([0x40]);

const SCHEDULED_FOR = "x-opt-scheduled-enqueue-time";
// Annotations that only the broker may set; a message that is sent again must not carry its old ones.
const BROKER_ANNOTATIONS: ReadonlySet<string> = new Set([
  "x-opt-sequence-number",
  "x-opt-enqueue-sequence-number",
  "x-opt-enqueued-time",
  "x-opt-locked-until",
  "x-opt-message-state",
  "x-opt-deadletter-source",
]);

interface Annotations {
  readonly count: number;
  readonly entries: readonly Buffer[];
  readonly scheduledForMs: number | undefined;
}

const NO_ANNOTATIONS: Annotations = { count: 0, entries: [], scheduledForMs: undefined };

function readAnnotations(bytes: Buffer, offset: number): Annotations {
  const map = readCompound(bytes, offset);
  if (map.count === 0) return NO_ANNOTATIONS;
  const entries: Buffer[] = [];
  let scheduledForMs: number | undefined;
  let at = map.first;
  for (let read = 0; read + 1 < map.count; read += 2) {
    const key = readText(bytes, at);
    const valueAt = skipValue(bytes, at);
    const end = skipValue(bytes, valueAt);
    if (key === SCHEDULED_FOR) scheduledForMs = readNumber(bytes, valueAt);
    if (key === undefined || !BROKER_ANNOTATIONS.has(key)) entries.push(bytes.subarray(at, end));
    at = end;
  }
  return { count: entries.length * 2, entries, scheduledForMs };
}

/**
 * Reads one message, which must fill the bytes. Copies what it keeps.
 *
 * @throws WireError if the bytes are not a message
 */
export function readMessage(bytes: Buffer): IncomingMessage {
  let flags = 0;
  let priority = PRIORITY_NOT_SET;
  let ttlMs: number | undefined;
  let annotations = NO_ANNOTATIONS;
  let offset = 0;
  let bare: Section | undefined;
  while (offset < bytes.length && bare === undefined) {
    const section = readSection(bytes, offset);
    if (section.code === HEADER) {
      const list = readCompound(bytes, section.value);
      let at = list.first;
      for (let field = 0; field < list.count && field < 3; field += 1) {
        if (field === 0) {
          const durable = readBoolean(bytes, at);
          if (durable !== undefined) flags = durable ? 3 : 1;
        } else if (field === 1) {
          priority = readNumber(bytes, at) ?? PRIORITY_NOT_SET;
        } else {
          ttlMs = readNumber(bytes, at);
        }
        at = skipValue(bytes, at);
      }
    } else if (section.code === MESSAGE_ANNOTATIONS) {
      annotations = readAnnotations(bytes, section.value);
    } else if (section.code !== DELIVERY_ANNOTATIONS) {
      bare = section;
    }
    offset = section.end;
  }
  const ids = bare?.code === PROPERTIES ? readIds(bytes, bare) : NO_IDS;
  let rest = bytes.subarray(bare?.start ?? bytes.length);
  let { messageId } = ids;
  if (messageId === undefined) {
    // The SDK cannot renew locks of messages without an id; the real service makes one up too.
    messageId = randomBytes(16).toString("hex");
    rest = withMessageId(bytes, bare, messageId);
  }
  checkSections(rest);
  return {
    messageId,
    sessionId: ids.sessionId,
    ttlMs,
    scheduledForMs: annotations.scheduledForMs,
    content: assemble(flags, priority, annotations, rest),
  };
}

/** Reads the messages that the data sections of a batch envelope hold. */
export function readBatch(bytes: Buffer): IncomingMessage[] {
  const messages: IncomingMessage[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const section = readSection(bytes, offset);
    if (section.code === DATA) messages.push(readMessage(dataOf(bytes, section)));
    offset = section.end;
  }
  return messages;
}

function dataOf(bytes: Buffer, section: Section): Buffer {
  const code = byteAt(bytes, section.value);
  if (code === 0xa0) return bytes.subarray(section.value + 2, section.end);
  if (code === 0xb0) return bytes.subarray(section.value + 5, section.end);
  throw new WireError("a data section must hold binary data");
}

interface Ids {
  readonly messageId: string | undefined;
  readonly sessionId: string | undefined;
}
const NO_IDS: Ids = { messageId: undefined, sessionId: undefined };

function readIds(bytes: Buffer, properties: Section): Ids {
  const list = readCompound(bytes, properties.value);
  let messageId: string | undefined;
  let sessionId: string | undefined;
  let at = list.first;
  for (let field = 0; field < list.count && field <= GROUP_ID_FIELD; field += 1) {
    if (field === MESSAGE_ID_FIELD && byteAt(bytes, at) !== 0x40) {
      // Ids that are not strings (ulong, uuid, binary) are compared by their bytes.
      messageId =
        readText(bytes, at) ?? `\u0001${bytes.toString("latin1", at, skipValue(bytes, at))}`;
    }
    if (field === GROUP_ID_FIELD) sessionId = readText(bytes, at);
    at = skipValue(bytes, at);
  }
  return { messageId: messageId === "" ? undefined : messageId, sessionId };
}

function withMessageId(bytes: Buffer, bare: Section | undefined, messageId: string): Buffer {
  const id = encodeString(messageId);
  if (bare?.code !== PROPERTIES) {
    const section = encodeCompoundSection(PROPERTIES, "list", 1, [id]);
    return Buffer.concat([section, bytes.subarray(bare?.start ?? bytes.length)]);
  }
  const list = readCompound(bytes, bare.value);
  const others =
    list.count > 0
      ? bytes.subarray(skipValue(bytes, list.first), list.end)
      : NULL_VALUE.subarray(1);
  const section = encodeCompoundSection(PROPERTIES, "list", Math.max(list.count, 1), [id, others]);
  return Buffer.concat([section, bytes.subarray(bare.end)]);
}

function checkSections(rest: Buffer): void {
  for (let offset = 0; offset < rest.length;) offset = readSection(rest, offset).end;
}

function assemble(flags: number, priority: number, annotations: Annotations, rest: Buffer): Buffer {
  let annotationBytes = 0;
  for (const entry of annotations.entries) annotationBytes += entry.length;
  const content = Buffer.allocUnsafe(PREFIX_BYTES + annotationBytes + rest.length);
  content[0] = flags;
  content[1] = priority;
  content.writeUInt32BE(annotationBytes, 2);
  content.writeUInt16BE(annotations.count, 6);
  let at = PREFIX_BYTES;
  for (const entry of annotations.entries) at += entry.copy(content, at);
  rest.copy(content, at);
  return content;
}

/** The content with application properties added; of the same name, the new one wins. */
export function addProperties(content: Buffer, properties: Properties): Buffer {
  const start = PREFIX_BYTES + content.readUInt32BE(2);
  let before = start;
  let after = start;
  const kept: Buffer[] = [];
  for (let offset = start; offset < content.length;) {
    const section = readSection(content, offset);
    offset = section.end;
    if (section.code === PROPERTIES) {
      before = section.end;
      after = section.end;
    } else if (section.code === APPLICATION_PROPERTIES) {
      before = section.start;
      after = section.end;
      kept.push(...entriesExcept(content, section, properties));
    }
  }
  const added: Buffer[] = [];
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined) added.push(encodeString(name), encodeValue(value));
  }
  const section = encodeCompoundSection(
    APPLICATION_PROPERTIES,
    "map",
    kept.length * 2 + added.length,
    [...kept, ...added],
  );
  return Buffer.concat([content.subarray(0, before), section, content.subarray(after)]);
}

function entriesExcept(bytes: Buffer, section: Section, properties: Properties): Buffer[] {
  const map = readCompound(bytes, section.value);
  const entries: Buffer[] = [];
  let at = map.first;
  for (let read = 0; read + 1 < map.count; read += 2) {
    const key = readText(bytes, at);
    const end = skipValue(bytes, skipValue(bytes, at));
    if (key === undefined || properties[key] === undefined) entries.push(bytes.subarray(at, end));
    at = end;
  }
  return entries;
}

// Header: section 0x70, list8 with five fields; the bytes that change are written over the template.
const HEAD_MAX_BYTES = 32;
const MAX_UINT = 0xffffffff;

function writeHeader(into: Buffer, message: QueueMessage): number {
  const flags = message.content[0] ?? 0;
  const priority = message.content[1] ?? PRIORITY_NOT_SET;
  into[0] = 0x00;
  into[1] = 0x53;
  into[2] = HEADER;
  into[3] = 0xc0;
  into[5] = 5;
  let at = 6;
  into[at++] = flags === 0 ? 0x40 : flags === 3 ? 0x41 : 0x42;
  if (priority === PRIORITY_NOT_SET) {
    into[at++] = 0x40;
  } else {
    into[at++] = 0x50;
    into[at++] = priority;
  }
  const ttlMs = message.ttlMs ?? message.expiresAtMs - message.enqueuedAtMs;
  if (ttlMs === Infinity) {
    into[at++] = 0x40;
  } else {
    into[at++] = 0x70;
    at = into.writeUInt32BE(Math.min(ttlMs, MAX_UINT), at);
  }
  into[at++] = 0x40;
  into[at++] = 0x70;
  at = into.writeUInt32BE(message.deliveryCount, at);
  into[4] = at - 5;
  return at;
}

const SEQUENCE_NUMBER = encodeSymbol("x-opt-sequence-number");
const ORIGINAL_SEQUENCE_NUMBER = encodeSymbol("x-opt-enqueue-sequence-number");
const ENQUEUED_TIME = encodeSymbol("x-opt-enqueued-time");
const LOCKED_UNTIL = encodeSymbol("x-opt-locked-until");
const MESSAGE_STATE = encodeSymbol("x-opt-message-state");
const DEAD_LETTER_SOURCE = encodeSymbol("x-opt-deadletter-source");

const TIMESTAMP = 0x83;
const LONG = 0x81;
const ANNOTATIONS_HEAD_BYTES = 12;
const ENTRY_VALUE_BYTES = 9;
const STATE_CODES = { active: 0, locked: 0, gone: 0, deferred: 1, scheduled: 2 } as const;

function write64(into: Buffer, at: number, key: Buffer, type: number, value: number): number {
  let next = at + key.copy(into, at);
  into[next++] = type;
  next = into.writeUInt32BE(Math.floor(value / 2 ** 32), next);
  return into.writeUInt32BE(value % 2 ** 32, next);
}

/**
 * The message as it is sent to a receiver. `lockedUntilMs` undefined: it is not locked (peeked, or received and
 * deleted).
 */
export function writeMessage(message: QueueMessage, lockedUntilMs: number | undefined): Buffer {
  const { content } = message;
  const ownBytes = content.readUInt32BE(2);
  const source =
    message.deadLetterSource === undefined ? undefined : encodeString(message.deadLetterSource);
  const size =
    HEAD_MAX_BYTES +
    ANNOTATIONS_HEAD_BYTES +
    SEQUENCE_NUMBER.length +
    ORIGINAL_SEQUENCE_NUMBER.length +
    ENQUEUED_TIME.length +
    LOCKED_UNTIL.length +
    MESSAGE_STATE.length +
    5 * ENTRY_VALUE_BYTES +
    (source === undefined ? 0 : DEAD_LETTER_SOURCE.length + source.length) +
    content.length;
  const out = Buffer.allocUnsafe(size);
  const annotationsAt = writeHeader(out, message);
  out[annotationsAt] = 0x00;
  out[annotationsAt + 1] = 0x53;
  out[annotationsAt + 2] = MESSAGE_ANNOTATIONS;
  out[annotationsAt + 3] = 0xd1;
  let at = annotationsAt + ANNOTATIONS_HEAD_BYTES;
  let count = content.readUInt16BE(6) + 4;
  at += content.copy(out, at, PREFIX_BYTES, PREFIX_BYTES + ownBytes);
  at = write64(out, at, SEQUENCE_NUMBER, LONG, message.sequenceNumber);
  at = write64(out, at, ENQUEUED_TIME, TIMESTAMP, message.enqueuedAtMs);
  if (lockedUntilMs !== undefined) {
    at = write64(out, at, LOCKED_UNTIL, TIMESTAMP, lockedUntilMs);
    count += 2;
  }
  if (message.originalSequenceNumber !== undefined) {
    at = write64(out, at, ORIGINAL_SEQUENCE_NUMBER, LONG, message.originalSequenceNumber);
    count += 2;
  }
  const stateCode = STATE_CODES[message.state];
  if (stateCode !== 0) {
    at += MESSAGE_STATE.copy(out, at);
    out[at++] = 0x54;
    out[at++] = stateCode;
    count += 2;
  }
  if (source !== undefined) {
    at += DEAD_LETTER_SOURCE.copy(out, at);
    at += source.copy(out, at);
    count += 2;
  }
  out.writeUInt32BE(at - annotationsAt - 8, annotationsAt + 4);
  out.writeUInt32BE(count, annotationsAt + 8);
  at += content.copy(out, at, PREFIX_BYTES + ownBytes);
  return out.subarray(0, at);
}
