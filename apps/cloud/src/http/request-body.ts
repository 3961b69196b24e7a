import { clip, defaultBodyBytes, limits, type MediaType, type Route } from "@postern/contracts";
import { type Document, isScalar, parseDocument, visit } from "yaml";
import { maxJsonDepth, readJson } from "./json-text";
import { invalidRequest, RequestError } from "./request-error";

export interface RawBody {
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** Each YAML alias repeats what it stands for; a definition needs a few at most. */
const MAX_YAML_ALIASES = 50;

/** Each is looked up in the whole document: without a limit, the time grows with the square of its size. */
const MAX_YAML_ALIASES_WRITTEN = 1_000;

/**
 * The body as a value, not yet validated against its schema.
 *
 * @throws RequestError 413 over the limit, 415 for another media type, 400 with line and column where it cannot be read
 */
export async function readBody(route: Route, request: RawBody): Promise<unknown> {
  const mediaType = mediaTypeOf(route, request.headers);
  const text = decode(await bytesOf(request, route.maxBodyBytes ?? defaultBodyBytes));
  switch (mediaType) {
    case "application/json":
      return readJsonBody(text);
    case "application/yaml":
      return readYamlBody(text);
  }
}

const aliases: Readonly<Record<string, MediaType>> = {
  "application/json": "application/json",
  "application/yaml": "application/yaml",
  // What browsers and tools sent before RFC 9512 registered application/yaml.
  "application/x-yaml": "application/yaml",
  "text/yaml": "application/yaml",
};

function mediaTypeOf(route: Route, headers: Headers): MediaType {
  const accepted = route.bodyTypes ?? ["application/json"];
  const given = headers.get("content-type");
  const [essence = "", ...parameters] = (given ?? "").split(";").map((part) => part.trim());
  const known = Object.hasOwn(aliases, essence.toLowerCase())
    ? aliases[essence.toLowerCase()]
    : undefined;
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter));
  const utf8 = charset === undefined || /^charset="?utf-?8"?$/i.test(charset);
  if (known === undefined || !accepted.includes(known) || !utf8) {
    throw new RequestError(
      "media-type-unsupported",
      `${given === null ? "The request names no content-type" : `'${clip(given, limits.quotedChars)}' is not read here`}; send ${accepted.join(" or ")} in UTF-8.`,
      { headers: { Accept: accepted.join(", ") } },
    );
  }
  return known;
}

async function bytesOf(request: RawBody, limitBytes: number): Promise<Uint8Array> {
  const tooLarge = (): RequestError =>
    new RequestError(
      "body-too-large",
      `This route takes bodies of up to ${limitBytes} bytes; split the request.`,
    );
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RequestError("request-invalid", "The body is not UTF-8.", { cause });
  }
}

function readJsonBody(text: string): unknown {
  if (text.trim() === "") throw invalidRequest([{ field: "$", problem: "a body is required" }]);
  const reading = readJson(text);
  if (reading.ok) return reading.value;
  const { problem, line, column } = reading.flaw;
  throw invalidRequest([
    { field: "$", problem: `not valid JSON at line ${line}, column ${column}: ${problem}` },
  ]);
}

/**
 * Without the parser's own line numbers and search for duplicate keys: both take time in the square of the body's size,
 * and no other request is served meanwhile.
 */
function readYamlBody(text: string): unknown {
  const document = parseDocument(text, {
    schema: "core",
    merge: false,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const [error] = document.errors;
  const flaw =
    error === undefined
      ? duplicateKey(document)
      : { problem: clip(error.message, limits.loggedReasonChars), offset: error.pos[0] };
  if (flaw !== undefined) {
    const { line, column } = placeOf(text, flaw.offset);
    throw invalidRequest([
      {
        field: "$",
        problem: `not valid YAML at line ${line}, column ${column}: ${flaw.problem}`,
      },
    ]);
  }
  if (document.contents === null)
    throw invalidRequest([{ field: "$", problem: "a body is required" }]);
  const value = valueOf(document);
  const deep = treeFlaw(value, "$", 0);
  if (deep !== undefined) throw invalidRequest([deep]);
  return value;
}

function valueOf(document: Document): unknown {
  const tooMany = "The YAML document has too many aliases.";
  let aliasesWritten = 0;
  visit(document, { Alias: () => void (aliasesWritten += 1) });
  if (aliasesWritten > MAX_YAML_ALIASES_WRITTEN) throw new RequestError("request-invalid", tooMany);
  try {
    return document.toJS({ maxAliasCount: MAX_YAML_ALIASES });
  } catch (cause) {
    throw new RequestError("request-invalid", tooMany, { cause });
  }
}

/** The first key that occurs twice in its map. Keys that are not scalars never count as equal. */
function duplicateKey(document: Document): { problem: string; offset: number } | undefined {
  let offset: number | undefined;
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          offset = key.range?.[0] ?? 0;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return offset === undefined ? undefined : { problem: "Map keys must be unique", offset };
}

function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return {
    line: before.split("\n").length,
    column: offset - before.lastIndexOf("\n"),
  };
}

/** The same limits as for JSON, for which a scanner exists; YAML has none. */
function treeFlaw(
  value: unknown,
  field: string,
  depth: number,
): { field: string; problem: string } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (depth > maxJsonDepth)
    return { field, problem: `nested more than ${maxJsonDepth} levels deep` };
  for (const [key, inner] of Object.entries(value)) {
    if (key === "__proto__") return { field, problem: "the key '__proto__' is not allowed" };
    const flaw = treeFlaw(
      inner,
      Array.isArray(value) ? `${field}[${key}]` : `${field}.${key}`,
      depth + 1,
    );
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}
