import type { IncomingMessage } from "node:http";
import { badRequest, CosmosError } from "../engine/model/cosmos-error";
import { parseJson, type Json } from "../engine/model/json";
import { parseRequestedKey, type RequestedKey } from "../engine/model/partition-key";

/** The SDK keeps bulk requests under 220 KB, batches and documents under 2 MB; the rest is room for the envelope. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** A request as the routes see it. */
export class CosmosRequest {
  readonly method: string;
  /** The path in its decoded parts: `dbs`, name, `colls`, name, `docs`, id. */
  readonly segments: readonly string[];
  readonly #message: IncomingMessage;
  readonly #text: string;

  constructor(message: IncomingMessage, text: string) {
    this.method = message.method ?? "GET";
    this.segments = decodePath(message.url ?? "/");
    this.#message = message;
    this.#text = text;
  }

  header(name: string): string | undefined {
    const value = this.#message.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  flag(name: string): boolean {
    return this.header(name)?.toLowerCase() === "true";
  }

  get resourceType(): string {
    const { segments } = this;
    return (segments.length % 2 === 0 ? segments.at(-2) : segments.at(-1)) ?? "";
  }

  /** The resource that is signed: the resource itself, or for a feed the one that it belongs to. */
  get resourceLink(): string {
    const { segments } = this;
    if (segments[0] === "offers") return segments[1] ?? "";
    return (segments.length % 2 === 0 ? segments : segments.slice(0, -1)).join("/");
  }

  /** The body; absent when empty. */
  body(): Json | undefined {
    if (this.#text === "") return undefined;
    try {
      return parseJson(this.#text);
    } catch {
      throw badRequest("The request body is not valid JSON.");
    }
  }

  requiredBody(): Json {
    const body = this.body();
    if (body === undefined) throw badRequest("The request body is missing.");
    return body;
  }

  get bodyLength(): number {
    return Buffer.byteLength(this.#text);
  }

  partitionKey(): RequestedKey | undefined {
    const text = this.header("x-ms-documentdb-partitionkey");
    return text === undefined ? undefined : parseRequestedKey(text);
  }
}

function decodePath(url: string): string[] {
  const path = url.split("?", 1)[0] ?? "";
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest("The path of the request is not valid.");
  }
}

/**
 * Reads a body as text. One that is too large is read to its end, so that its sender sees the refusal. Calls back
 * without a promise, because most requests are served within the turn in which they arrive.
 */
export function readBody(
  message: IncomingMessage,
  done: (text: string, error: CosmosError | undefined) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  message.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  });
  message.on("end", () => {
    if (size > MAX_BODY_BYTES) {
      done("", new CosmosError("RequestEntityTooLarge", "Request size is too large: over 4 MB."));
    } else {
      const [only] = chunks;
      const whole = only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
      done(whole.toString("utf8"), undefined);
    }
  });
}
