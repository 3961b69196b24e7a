/**
 * A delivery tag is a GUID in .NET byte order; management requests and their replies carry the same GUID in the order
 * of RFC 9562: the first three groups are reversed. The conversion is its own inverse.
 */
export function swapGuidOrder(bytes: Buffer): Buffer {
  const swapped = Buffer.from(bytes);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}

export function tokenOfTag(tag: Buffer): string {
  return tag.toString("latin1", 0, tag.length);
}

export function tagOfToken(token: string): Buffer {
  return Buffer.from(token, "latin1");
}
