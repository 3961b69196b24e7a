import { clip, defaultBodyBytes, limits, type MediaType, type Route } from "@postern/contracts";
import {
  bytesWithin,
  flawText,
  readJson,
  readYaml,
  type Reading,
  TooManyBytes,
} from "@postern/input";
import { invalidRequest, RequestError } from "./request-error";

export interface RawBody {
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array> | null;
}

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
  try {
    return await bytesWithin(request.body, limitBytes);
  } catch (error) {
    throw error instanceof TooManyBytes ? tooLarge() : error;
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RequestError("request-invalid", "The body is not UTF-8.", { cause });
  }
}

function readJsonBody(text: string): unknown {
  return valueOf("JSON", text.trim() === "" ? undefined : readJson(text));
}

function readYamlBody(text: string): unknown {
  return valueOf("YAML", readYaml(text));
}

function valueOf(language: string, reading: Reading | undefined): unknown {
  if (reading === undefined) throw invalidRequest([{ field: "$", problem: "a body is required" }]);
  if (reading.ok) return reading.value;
  throw invalidRequest([
    { field: "$", problem: `not valid ${language} at ${flawText(reading.flaw)}` },
  ]);
}
