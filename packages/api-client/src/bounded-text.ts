/** The body has more bytes than its reader takes. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";

  constructor(maxBytes: number) {
    super(`the reply is longer than ${maxBytes} bytes`);
  }
}

/**
 * A body as UTF-8 text. Reading stops as soon as the body is too large: leaving the loop ends the connection.
 *
 * @throws BodyTooLarge
 */
export async function boundedText(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new BodyTooLarge(maxBytes);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
