/**
 * The `postern:*` application properties of a work message. They state what the message holds, so that it can be
 * accounted for even when its body can no longer be read.
 */
import {
  CycleId,
  DefinitionId,
  type GroupName,
  type JobId,
  limits,
  type StreamName,
  type TargetName,
  Version,
} from "@postern/contracts";

export interface Accounting {
  readonly definition: DefinitionId;
  readonly cycleId: CycleId;
  readonly version: Version;
  /** Items of the message, 1 to `limits.itemsPerMessage`. */
  readonly count: number;
}

export function accountingProperties(
  { definition, cycleId, version, count }: Accounting,
  route: {
    readonly stream: StreamName;
    readonly target: TargetName;
    readonly group: GroupName;
    readonly jobId?: JobId | undefined;
  },
): Record<string, string | number> {
  return {
    "postern:definition": definition,
    "postern:cycleId": cycleId,
    "postern:version": version,
    "postern:count": count,
    "postern:stream": route.stream,
    "postern:target": route.target,
    "postern:group": route.group,
    ...(route.jobId === undefined ? {} : { "postern:jobId": route.jobId }),
  };
}

/** Undefined when the properties are missing or invalid. */
export function accountingOf(
  properties: Readonly<Record<string, unknown>>,
): Accounting | undefined {
  const definition = DefinitionId.safeParse(properties["postern:definition"]);
  const cycleId = CycleId.safeParse(properties["postern:cycleId"]);
  const version = Version.safeParse(Number(properties["postern:version"]));
  const count = Number(properties["postern:count"]);
  if (!definition.success || !cycleId.success || !version.success) return undefined;
  if (!Number.isInteger(count) || count < 1 || count > limits.itemsPerMessage) return undefined;
  return { definition: definition.data, cycleId: cycleId.data, version: version.data, count };
}
