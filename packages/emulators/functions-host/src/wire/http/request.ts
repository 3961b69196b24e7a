import type { IncomingMessage } from "node:http";
import type { RpcHttpData } from "../../engine/app/rpc";

/** The body is larger than the limit; the rest of it was not read. */
export class BodyTooLargeError extends Error {}
/** The client disconnected before the body was complete. */
export class BodyAbortedError extends Error {}

/**
 * Reads the body, but no further than the limit: with the service's limit of 100 MB, draining the rest would take long.
 *
 * @throws BodyTooLargeError
 * @throws BodyAbortedError
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw new BodyTooLargeError();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limitBytes) throw new BodyTooLargeError();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof BodyTooLargeError) throw error;
    throw new BodyAbortedError("The request was cut off.", { cause: error });
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}

function nullable(values: Iterable<[string, string]>): Record<string, { value: string }> {
  return Object.fromEntries([...values].map(([name, value]) => [name, { value }]));
}

/** Repeated names are joined by a comma: the host passes one text per name to the worker. */
function joined(pairs: Iterable<[string, string]>): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before},${value}`);
  }
  return values;
}

function headerPairs(request: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    pairs.push([(request.rawHeaders[i] ?? "").toLowerCase(), request.rawHeaders[i + 1] ?? ""]);
  }
  return pairs;
}

/** The request in the form that the library receives over gRPC. */
export function toRpcHttp(
  request: IncomingMessage,
  url: URL,
  parameters: Readonly<Record<string, string>>,
  body: Buffer,
): RpcHttpData {
  const query = joined(url.searchParams);
  return {
    method: request.method ?? "GET",
    url: url.href,
    nullableHeaders: nullable(joined(headerPairs(request))),
    nullableParams: nullable(Object.entries(parameters)),
    // An empty map keeps the library from parsing the URL itself.
    nullableQuery: nullable(query),
    body: body.length === 0 ? null : { bytes: body },
  };
}
