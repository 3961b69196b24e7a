/**
 * AMQP 1.0 values at byte level: just enough to find the parts of a message and to put them together again.
 *
 * Messages pass through the broker without being decoded, because decoding and encoding again would lose the types of
 * numbers (int, long, ulong) and cost most of the time.
 */

/** The bytes are not valid AMQP. */
export class WireError extends Error {}

const DESCRIBED = 0x00;

/**
 * Offset behind the value that starts at `offset`.
 *
 * @throws WireError if the bytes are not a value
 */
export function skipValue(bytes: Buffer, offset: number): number {
  const code = byteAt(bytes, offset);
  if (code === DESCRIBED) return skipValue(bytes, skipValue(bytes, offset + 1));
  switch (code >>> 4) {
    case 0x4:
      return offset + 1;
    case 0x5:
      return within(bytes, offset + 2);
    case 0x6:
      return within(bytes, offset + 3);
    case 0x7:
      return within(bytes, offset + 5);
    case 0x8:
      return within(bytes, offset + 9);
    case 0x9:
      return within(bytes, offset + 17);
    case 0xa:
    case 0xc:
    case 0xe:
      return within(bytes, offset + 2 + byteAt(bytes, offset + 1));
    case 0xb:
    case 0xd:
    case 0xf:
      return within(bytes, offset + 5 + uint32At(bytes, offset + 1));
    default:
      throw new WireError(`unknown type code 0x${code.toString(16)}`);
  }
}

function within(bytes: Buffer, offset: number): number {
  if (offset > bytes.length) throw new WireError("value is cut off");
  return offset;
}

export function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new WireError("value is cut off");
  return byte;
}

function uint32At(bytes: Buffer, offset: number): number {
  within(bytes, offset + 4);
  return bytes.readUInt32BE(offset);
}

/** Where the elements of a list or map start, how many there are and where they end. */
export interface Compound {
  readonly first: number;
  readonly count: number;
  readonly end: number;
}

export function readCompound(bytes: Buffer, offset: number): Compound {
  const code = byteAt(bytes, offset);
  if (code === 0x45) return { first: offset + 1, count: 0, end: offset + 1 };
  const end = skipValue(bytes, offset);
  if (code === 0xc0 || code === 0xc1)
    return { first: offset + 3, count: byteAt(bytes, offset + 2), end };
  if (code === 0xd0 || code === 0xd1)
    return { first: offset + 9, count: uint32At(bytes, offset + 5), end };
  throw new WireError(`a list or map was expected, not type code 0x${code.toString(16)}`);
}

/** The value as text if it is a string or symbol. */
export function readText(bytes: Buffer, offset: number): string | undefined {
  const code = byteAt(bytes, offset);
  const end = skipValue(bytes, offset);
  if (code === 0xa1 || code === 0xa3) return bytes.toString("utf8", offset + 2, end);
  if (code === 0xb1 || code === 0xb3) return bytes.toString("utf8", offset + 5, end);
  return undefined;
}

/** The value as a number if it is an unsigned integer, a long or a timestamp. */
export function readNumber(bytes: Buffer, offset: number): number | undefined {
  within(bytes, skipValue(bytes, offset));
  switch (byteAt(bytes, offset)) {
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return byteAt(bytes, offset + 1);
    case 0x54:
    case 0x55:
      return bytes.readInt8(offset + 1);
    case 0x60:
      return bytes.readUInt16BE(offset + 1);
    case 0x70:
      return bytes.readUInt32BE(offset + 1);
    case 0x71:
      return bytes.readInt32BE(offset + 1);
    case 0x80:
      return Number(bytes.readBigUInt64BE(offset + 1));
    case 0x81:
    case 0x83:
      return Number(bytes.readBigInt64BE(offset + 1));
    default:
      return undefined;
  }
}

export function readBoolean(bytes: Buffer, offset: number): boolean | undefined {
  switch (byteAt(bytes, offset)) {
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x56:
      return byteAt(bytes, offset + 1) === 1;
    default:
      return undefined;
  }
}

/** A section of a message: the code of its descriptor, where its value starts and where the section ends. */
export interface Section {
  readonly code: number;
  readonly start: number;
  readonly value: number;
  readonly end: number;
}

export function readSection(bytes: Buffer, offset: number): Section {
  if (byteAt(bytes, offset) !== DESCRIBED) throw new WireError("a message section was expected");
  const code = readNumber(bytes, offset + 1);
  if (code === undefined) throw new WireError("symbolic section descriptors are not supported");
  const value = skipValue(bytes, offset + 1);
  return { code, start: offset, value, end: skipValue(bytes, value) };
}

export function encodeString(text: string): Buffer {
  const length = Buffer.byteLength(text);
  if (length > 255) {
    const bytes = Buffer.allocUnsafe(5 + length);
    bytes[0] = 0xb1;
    bytes.writeUInt32BE(length, 1);
    bytes.write(text, 5);
    return bytes;
  }
  const bytes = Buffer.allocUnsafe(2 + length);
  bytes[0] = 0xa1;
  bytes[1] = length;
  bytes.write(text, 2);
  return bytes;
}

export function encodeSymbol(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xa3, text.length]), Buffer.from(text, "ascii")]);
}

/** A described section whose value is a list or map of the given encoded elements. */
export function encodeCompoundSection(
  code: number,
  kind: "list" | "map",
  count: number,
  elements: readonly Buffer[],
): Buffer {
  let size = 4;
  for (const element of elements) size += element.length;
  const head = Buffer.allocUnsafe(12);
  head[0] = DESCRIBED;
  head[1] = 0x53;
  head[2] = code;
  head[3] = kind === "list" ? 0xd0 : 0xd1;
  head.writeUInt32BE(size, 4);
  head.writeUInt32BE(count, 8);
  return Buffer.concat([head, ...elements]);
}
