import type { IncomingMessage } from "node:http";

/**
 * Reads the body of a request. One that is too large is read to its end, so that its sender sees the refusal.
 *
 * @returns undefined if the body has more than `maxBytes`
 */
export async function readRequestBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  }
  return size > maxBytes ? undefined : Buffer.concat(chunks);
}
