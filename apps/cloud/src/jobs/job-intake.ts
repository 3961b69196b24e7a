import { createHash } from "node:crypto";
import {
  type EntityRef,
  type FieldProblem,
  type GroupName,
  type JobRequest,
  nearest,
  PosternError,
  type SyncDefinition,
  type TargetName,
  type WorkerGroup,
} from "@postern/contracts";
import { type JobRecord, newJob } from "./job";
import { changeJob } from "./job-change";
import { dispatchJob } from "./job-dispatch";
import { newJobId } from "./job-id";
import type { JobPorts } from "./job-ports";
import { isObjectId } from "../sync/graph/object-id";

export interface JobOrder {
  readonly request: JobRequest;
  readonly idempotencyKey: string | undefined;
  readonly caller: { readonly oid: string; readonly azp: string; readonly name: string };
  readonly traceparent: string | null;
}

/**
 * Accepts a job. With an idempotency key, the claim of the key is stored first and decides which job the key means: of
 * two requests at once, both go on with the same job id, and only one of them creates it.
 *
 * @throws PosternError `idempotency-mismatch` when the caller used the key for another request
 */
export async function acceptJob(ports: JobPorts, order: JobOrder): Promise<JobRecord> {
  const { request, caller, idempotencyKey, traceparent } = order;
  const now = ports.clock.now();
  let id = newJobId(now, () => ports.random.next());
  if (idempotencyKey !== undefined) {
    const fingerprint = sha256(JSON.stringify(request));
    const claim = await ports.jobStore.claimKey({
      // Keys are each caller's own: nobody meets, or probes, another's.
      id: `key:${sha256(JSON.stringify([caller.oid, caller.azp, idempotencyKey]))}`,
      jobId: id,
      fingerprint,
    });
    if (claim.fingerprint !== fingerprint) {
      throw new PosternError(
        "idempotency-mismatch",
        `This Idempotency-Key was used for job ${claim.jobId}, which is a different request; use a new key.`,
      );
    }
    id = claim.jobId;
  }
  const stored =
    (await ports.jobStore.create(
      newJob({ id, request, createdBy: caller.name, traceparent, now }),
    )) ?? (await changeJob(ports, id));
  if (stored === undefined)
    throw new PosternError("conflict", `Job ${id} has just been removed; use a new key.`);
  return dispatchJob(ports, stored);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What in a request names something that does not exist here. */
export function jobRequestProblems(
  request: JobRequest,
  known: {
    readonly groups: readonly WorkerGroup[];
    /** All sync definitions; only read for `sync.entities`. */
    readonly definitions: readonly SyncDefinition[];
  },
): FieldProblem[] {
  const group = known.groups.find(({ name }) => name === request.group);
  if (group === undefined) {
    const names: readonly GroupName[] = known.groups.map(({ name }) => name);
    return [unknownName("$.group", "worker group", request.group, names)];
  }
  switch (request.kind) {
    case "target.test": {
      const { target } = request.parameters;
      const targets: readonly TargetName[] = group.targets;
      return targets.includes(target)
        ? []
        : [unknownName("$.parameters.target", `target of group '${group.name}'`, target, targets)];
    }
    case "sync.entities":
      return entitiesProblems(request, known.definitions);
  }
}

function entitiesProblems(
  request: Extract<JobRequest, { kind: "sync.entities" }>,
  definitions: readonly SyncDefinition[],
): FieldProblem[] {
  const { definition: id, entities } = request.parameters;
  const definition = definitions.find((candidate) => candidate.id === id);
  if (definition === undefined) {
    const ids = definitions.map((candidate) => candidate.id);
    return [unknownName("$.parameters.definition", "sync definition", id, ids)];
  }
  const problems: FieldProblem[] = [];
  if (definition.group !== request.group) {
    problems.push({
      field: "$.group",
      problem: `definition '${id}' works through group '${definition.group}'`,
    });
  }
  const mapped = {
    user: definition.users,
    group: definition.groups,
    membership: definition.memberships,
  };
  entities.forEach((entity, index) => {
    if (mapped[entity.type] === undefined) {
      problems.push({
        field: `$.parameters.entities[${index}].type`,
        problem: `definition '${id}' does not map entities of type '${entity.type}'`,
      });
      return;
    }
    const problem = idProblem(entity);
    if (problem !== undefined) {
      problems.push({ field: `$.parameters.entities[${index}].id`, problem });
    }
  });
  return problems;
}

function idProblem({ type, id }: EntityRef): string | undefined {
  const parts = type === "membership" ? id.split("/") : [id];
  if (type === "membership" && (parts.length !== 2 || parts.includes(""))) {
    return "must be GROUP_ID/MEMBER_ID";
  }
  return parts.every(isObjectId)
    ? undefined
    : "is no id at Microsoft Graph: at most 99 letters, digits and _ . @ : + -, and neither '.' nor '..'";
}

function unknownName(
  field: string,
  what: string,
  given: string,
  known: readonly string[],
): FieldProblem {
  const suggestion = nearest(given, known);
  const list = known
    .slice(0, 20)
    .map((name) => `'${name}'`)
    .join(", ");
  return {
    field,
    problem: `there is no ${what} '${given}'; known: ${list === "" ? "none" : list}`,
    ...(suggestion === undefined ? {} : { hint: `did you mean '${suggestion}'?` }),
  };
}
