/**
 * What a message is about, as application properties with the prefix `postern:`. They let the cloud account for a
 * message whose body it cannot read, and let an operator filter a queue without opening bodies.
 */
import { z } from "zod";
import { StreamName } from "../words/entity";
import { CycleId, DefinitionId, GroupName, JobId, Lane, Timestamp, Version } from "../words/ids";
import { limits } from "../words/limits";
import { ContentHash } from "./work-message";
import { AuthenticationCode, KeyId } from "./work-proof";

const PREFIX = "postern:";

/** Numbers come back as text from tools that resend messages. */
const numeric = z.union([z.number(), z.string(), z.bigint()]).pipe(z.coerce.number());

const shape = {
  definition: DefinitionId,
  cycleId: CycleId,
  /** Version of the page that made the items. */
  version: numeric.pipe(Version),
  /** Work items in the message. */
  count: numeric.pipe(z.int().min(1).max(limits.itemsPerMessage)),
  stream: StreamName,
  /** As it came: shown to people also when it is no valid name. */
  target: z.string(),
  group: GroupName,
  jobId: JobId,
  lane: Lane,
  /** Proof of all these: see `envelopeCode`. */
  key: KeyId,
  issuedAt: Timestamp,
  bodyHash: ContentHash,
  code: AuthenticationCode,
};
const names = Object.keys(shape).filter((name): name is keyof typeof shape => name in shape);

/** The properties by name, without the prefix. */
export const PosternProperties = z.object(shape).partial();
export type PosternProperties = z.infer<typeof PosternProperties>;

/** What a work message adds to its cycle: every work message carries these. */
export const Accounting = z.object({
  definition: shape.definition,
  cycleId: shape.cycleId,
  version: shape.version,
  count: shape.count,
});
export type Accounting = z.infer<typeof Accounting>;

/** The application properties of a message. What is undefined is left out. */
export function posternProperties(given: PosternProperties): Record<string, string | number> {
  const properties: Record<string, string | number> = {};
  for (const name of names) {
    const value = given[name];
    if (value !== undefined) properties[`${PREFIX}${name}`] = value;
  }
  return properties;
}

/** Postern's properties of a message. One that is missing or invalid is left out; foreign properties are ignored. */
export function readPosternProperties(
  properties: Readonly<Record<string, unknown>> | undefined,
): PosternProperties {
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const parsed = shape[name].safeParse(properties?.[`${PREFIX}${name}`]);
    if (parsed.success) found[name] = parsed.data;
  }
  return PosternProperties.parse(found);
}

/** What a message adds to its cycle, or undefined if its properties do not say all of it. */
export function accountingOf(
  properties: Readonly<Record<string, unknown>> | undefined,
): Accounting | undefined {
  return Accounting.safeParse(readPosternProperties(properties)).data;
}
