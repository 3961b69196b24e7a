/** Applying a sync definition: what may change, and what a change begins. */
import { PosternError, type SyncDefinition } from "@postern/contracts";
import { compileDefinition } from "../mapping/compiled-definition";
import type { DefinitionRecord, Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import { type EnumerationPorts, settleDefinition } from "../streams/begin-enumeration";

export interface AppliedDefinition {
  readonly outcome: "created" | "replaced" | "unchanged";
  readonly record: Stored<DefinitionRecord>;
}

const MAX_ATTEMPTS = 5;

/**
 * Creates or replaces a definition; a new one starts its initial cycle, a changed mapping starts a resync.
 *
 * @throws PosternError `expression-invalid` or `definition-invalid` (details.problems: FieldProblem[]),
 *   `precondition-failed` when `ifMatch` is not the etag of the stored one, `conflict` when the change cannot be made
 */
export async function applyDefinition(
  ports: EnumerationPorts,
  definition: SyncDefinition,
  options: { readonly ifMatch?: string | undefined },
): Promise<AppliedDefinition> {
  compileDefinition(definition);
  requireTarget(ports, definition);
  const { ifMatch } = options;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const stored = await ports.definitions.get(definition.id, { fresh: true });
    if (ifMatch !== undefined && ifMatch !== "*" && stored?.etag !== ifMatch) {
      throw new PosternError("precondition-failed", "the definition has changed since it was read");
    }
    if (ifMatch !== undefined && stored === undefined) {
      throw new PosternError("precondition-failed", "there is no such definition to replace");
    }
    const record: DefinitionRecord = {
      id: definition.id,
      definition,
      appliedAt: new Date(ports.clock.now()).toISOString(),
      // Until its first checkpoints are there: the timer makes them if this process cannot.
      resyncDue: true,
    };
    if (stored === undefined) {
      const created = await ports.definitions.create(record);
      if (created === undefined) continue;
      return { outcome: "created", record: await settleDefinition(ports, created) };
    }
    if (JSON.stringify(stored.value.definition) === JSON.stringify(definition)) {
      return { outcome: "unchanged", record: await settleDefinition(ports, stored) };
    }
    requireSameAddress(stored.value.definition, definition);
    const resyncDue =
      stored.value.resyncDue || mappingText(stored.value.definition) !== mappingText(definition);
    const replaced = await ports.definitions.replace({ ...record, resyncDue }, stored.etag);
    if (replaced === undefined) {
      if (ifMatch === undefined || ifMatch === "*") continue;
      throw new PosternError("precondition-failed", "the definition has changed since it was read");
    }
    return { outcome: "replaced", record: await settleDefinition(ports, replaced) };
  }
  throw new PosternError("conflict", "the definition is being changed by others; try again");
}

function requireTarget({ stamp }: Pick<SyncPorts, "stamp">, definition: SyncDefinition): void {
  const group = stamp.groups.find(({ name }) => name === definition.group);
  const known =
    group === undefined
      ? `known groups: ${stamp.groups.map(({ name }) => name).join(", ")}`
      : `targets of the group: ${group.targets.join(", ")}`;
  const field = group === undefined ? "$.group" : "$.target";
  if (group?.targets.includes(definition.target) === true) return;
  const problems = [{ field, problem: "is not configured in this branch", hint: known }];
  throw new PosternError("definition-invalid", `${field}: is not configured (${known})`, {
    details: { problems },
  });
}

/** What rows at the target are found by: changing it would leave those behind. */
function requireSameAddress(before: SyncDefinition, after: SyncDefinition): void {
  const problems: { field: string; problem: string; hint: string }[] = [];
  const hint = "create a new definition under another id";
  const compare = (field: string, a: unknown, b: unknown): void => {
    if (JSON.stringify(a) !== JSON.stringify(b)) {
      problems.push({ field: `$.${field}`, problem: "cannot be changed once applied", hint });
    }
  };
  compare("group", before.group, after.group);
  compare("target", before.target, after.target);
  for (const section of ["users", "groups", "memberships"] as const) {
    const [old, renewed] = [before[section], after[section]];
    if (old === undefined || renewed === undefined) continue;
    compare(`${section}.object`, old.object, renewed.object);
    compare(`${section}.key`, Object.keys(old.key).sort(), Object.keys(renewed.key).sort());
  }
  if (problems.length === 0) return;
  const text = problems.map(({ field, problem }) => `${field} ${problem}`).join("; ");
  throw new PosternError("conflict", `${text}: ${hint}`, { details: { problems } });
}

function mappingText({ users, groups, memberships }: SyncDefinition): string {
  return JSON.stringify([users ?? null, groups ?? null, memberships ?? null]);
}
