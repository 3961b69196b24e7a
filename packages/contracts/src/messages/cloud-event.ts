import type { z } from "zod";
import { clip } from "../words/clip";
import { PosternError } from "../words/error-codes";
import { fieldProblems, problemText } from "../words/field-problems";
import { limits } from "../words/limits";
import { tooMuchIn } from "./value-bounds";

/**
 * CloudEvents 1.0 in the AMQP binding: attributes are application properties with the prefix `cloudEvents:`, the body
 * is JSON. `type` ends in the major version of the schema (`.v1`).
 */
const PREFIX = "cloudEvents:";

export interface EventAttributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly subject?: string;
  readonly traceparent?: string;
}

export function eventProperties(attributes: EventAttributes): Record<string, string> {
  const properties: Record<string, string> = { [`${PREFIX}specversion`]: "1.0" };
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "string") properties[`${PREFIX}${name}`] = value;
  }
  return properties;
}

export function eventAttribute(
  properties: Readonly<Record<string, unknown>> | undefined,
  name: keyof EventAttributes,
): string | undefined {
  const value = properties?.[`${PREFIX}${name}`];
  return typeof value === "string" ? value : undefined;
}

/** `postern.sync.apply.v1` → `{ family: "postern.sync.apply", major: 1 }`. */
export function parseEventType(type: string): { family: string; major: number } | undefined {
  const match = /^([a-z][a-z0-9.]{0,90})\.v(\d{1,4})$/.exec(type);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { family: match[1], major: Number(match[2]) };
}

export interface ReadOptions<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly type: string;
}

/**
 * Reads a message of the expected type.
 *
 * @throws PosternError `message-type-unknown` for another type or major, `message-malformed` when the body does not
 *   match
 */
export function readMessage<Schema extends z.ZodType>(
  options: ReadOptions<Schema>,
  properties: Readonly<Record<string, unknown>> | undefined,
  body: unknown,
): z.infer<Schema> {
  const type = eventAttribute(properties, "type");
  if (type !== options.type) {
    throw new PosternError(
      "message-type-unknown",
      `expected a message of type ${options.type}, found ${type === undefined ? "none" : `'${clip(type, limits.quotedChars)}'`}`,
      { details: { type } },
    );
  }
  const tooMuch = tooMuchIn(body);
  if (tooMuch !== undefined)
    throw new PosternError("message-malformed", `$: ${tooMuch}`, { details: { type } });
  const parsed = options.schema.safeParse(body);
  if (!parsed.success) {
    throw new PosternError("message-malformed", problemText(fieldProblems(parsed.error)), {
      details: { type },
    });
  }
  return parsed.data;
}
