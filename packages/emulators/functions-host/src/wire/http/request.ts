import type { IncomingMessage } from "node:http";
import type { RpcHttpData } from "../../engine/app/rpc";

/** The body is over the limit; the rest of it was not read. */
export class BodyTooLargeError extends Error {}
/** The client went away before the body was complete. */
export class BodyAbortedError extends Error {}

/** Reads the body and gives up as soon as it is known to be over the limit. */
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

/** Repeated names are joined by a comma: the host hands the worker one text per name. */
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

/** The request as the library takes it over gRPC. */
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
    // Without any query the library must not fall back to parsing the URL: an empty map means just that to it.
    nullableQuery: nullable(query),
    body: body.length === 0 ? null : { bytes: body },
  };
}
