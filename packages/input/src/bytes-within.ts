/** More bytes came than are read. The stream has been cancelled. */
export class TooManyBytes extends Error {
  override readonly name = "TooManyBytes";
}

/**
 * The bytes of a stream, of which none is kept beyond the limit. Of a compressed stream they count as they come out:
 * what goes in says nothing about what comes out.
 *
 * @throws TooManyBytes
 */
export async function bytesWithin(
  stream: AsyncIterable<Uint8Array> | null,
  limitBytes: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw new TooManyBytes(`longer than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined
    ? Buffer.from(chunks[0].buffer, chunks[0].byteOffset, chunks[0].byteLength)
    : Buffer.concat(chunks, bytes);
}
