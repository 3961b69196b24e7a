import {
  type EntityRef,
  type FieldProblem,
  type JobId,
  type SyncDefinition,
  SyncEntitiesParameters,
} from "@postern/contracts";
import { unknownName } from "../../http/unknown-name";
import { defineJobKind, type JobKindHandler, type JobRequestOf } from "../../jobs/job-kind";
import type { DefinitionStore } from "../../ports/stores";
import { isObjectId } from "../graph/object-id";

export interface EntitiesJobPorts {
  readonly definitions: Pick<DefinitionStore, "list">;
  /** False when there is no such definition. Safe to repeat. */
  startOnDemand(job: { readonly jobId: JobId } & SyncEntitiesParameters): Promise<boolean>;
}

/** `sync.entities`: the cloud reads single entities on demand. */
export function entitiesJob(ports: EntitiesJobPorts): JobKindHandler {
  return defineJobKind({
    kind: "sync.entities",
    validate: async (request) => {
      const definitions = await ports.definitions.list({ fresh: true });
      return entitiesProblems(
        request,
        definitions.map(({ value }) => value.definition),
      );
    },
    dispatch: async (job) => {
      const parameters = SyncEntitiesParameters.parse(job.parameters);
      return (await ports.startOnDemand({ jobId: job.id, ...parameters }))
        ? { sent: true }
        : { sent: false, detail: "The sync definition no longer exists." };
    },
  });
}

function entitiesProblems(
  request: JobRequestOf<"sync.entities">,
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
    : "is not a valid Microsoft Graph id: at most 99 letters, digits and _ . @ : + -, but not '.' or '..'";
}
