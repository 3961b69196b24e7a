/*
 * Resource ids in the form of the service: bytes in base64 with '-' for '/'. A container's must decode to 8 bytes, or
 * the SDK ignores its session tokens.
 */

const CONTAINER_FLAG = 0x80000000;

function text(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("/", "-");
}

export function databaseResourceId(databaseNumber: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(databaseNumber);
  return text(bytes);
}

export function containerResourceId(databaseNumber: number, containerNumber: number): string {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32BE(databaseNumber);
  bytes.writeUInt32BE(CONTAINER_FLAG + containerNumber, 4);
  return text(bytes);
}

export function documentResourceId(
  databaseNumber: number,
  containerNumber: number,
  sequence: number,
): string {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUInt32BE(databaseNumber);
  bytes.writeUInt32BE(CONTAINER_FLAG + containerNumber, 4);
  bytes.writeUInt32LE(sequence % 0x100000000, 8);
  bytes.writeUInt32LE(Math.floor(sequence / 0x100000000), 12);
  return text(bytes);
}
