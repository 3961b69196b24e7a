import {
  AgentList,
  AgentView,
  Attempt,
  AttemptRequest,
  CycleAccepted,
  CycleList,
  CycleView,
  DeadLetterAction,
  DeadLetterBatchReply,
  DeadLetterBatchRequest,
  DeadLetterFilter,
  DeadLetterList,
  DeadLetterReplay,
  DeadLetterRequest,
  DeadLetterResult,
  DeadLetterView,
  DeleteBreaker,
  EntityMapping,
  EntityRef,
  FieldProblem,
  Health,
  Heartbeat,
  HeartbeatReply,
  HoldList,
  HoldView,
  JobAttempt,
  JobLease,
  JobList,
  JobRequest,
  JobResult,
  JobView,
  OutcomeCounts,
  ParkedList,
  SecurityEventList,
  SecurityEventView,
  ParkedView,
  Problem,
  ReleaseReply,
  ReleaseRequest,
  SyncDefinition,
  SyncList,
  SyncView,
  TargetHealth,
} from "@postern/contracts";
import { z } from "zod";

/** JSON whose shape an emitter decides. */
export type JsonObject = Record<string, unknown>;

/** Schemas with a name of their own in the document. */
const named: Readonly<Record<string, z.ZodType>> = {
  AgentList,
  AgentView,
  Attempt,
  CycleAccepted,
  CycleList,
  CycleView,
  DeadLetterAction,
  DeadLetterBatchReply,
  DeadLetterList,
  DeadLetterReplay,
  DeadLetterResult,
  DeadLetterView,
  DeleteBreaker,
  EntityMapping,
  EntityRef,
  FieldProblem,
  Health,
  HeartbeatReply,
  HoldList,
  HoldView,
  JobAttempt,
  JobLease,
  JobList,
  JobResult,
  JobView,
  OutcomeCounts,
  ParkedList,
  SecurityEventList,
  SecurityEventView,
  ParkedView,
  Problem,
  ReleaseReply,
  SyncDefinition,
  SyncList,
  SyncView,
  TargetHealth,
};

/** The same for what callers send: there, fields with a default may be left out. */
const namedInputs: Readonly<Record<string, z.ZodType>> = {
  AttemptRequest,
  DeadLetterBatchRequest,
  DeadLetterFilter,
  DeadLetterRequest,
  DeleteBreakerInput: DeleteBreaker,
  EntityMappingInput: EntityMapping,
  Heartbeat,
  JobRequest,
  ReleaseRequest,
  SyncDefinitionInput: SyncDefinition,
  TargetHealthReport: TargetHealth,
};

type Direction = "input" | "output";
const uri = (id: string): string => `#/components/schemas/${id}`;

function emit(schemas: Readonly<Record<string, z.ZodType>>, io: Direction): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const { schemas: emitted } = z.toJSONSchema(registry, { io, uri, unrepresentable: "any" });
  return Object.fromEntries(
    Object.entries(emitted).map(([id, schema]) => [id, withoutDialect(schema)]),
  );
}

/** The dialect of all is OpenAPI's default, and ids are the places in the document. */
function withoutDialect(schema: object): JsonObject {
  const { $schema: _dialect, $id: _id, ...rest } = schema as JsonObject;
  return rest;
}

export function componentSchemas(): JsonObject {
  return { ...emit(named, "output"), ...emit(namedInputs, "input") };
}

/** A reference where the schema has a name, else the schema itself. */
export function inlineSchema(schema: z.core.$ZodType, io: Direction = "output"): JsonObject {
  const known = Object.entries(io === "input" ? namedInputs : named).find(
    ([, candidate]) => candidate === schema,
  );
  if (known !== undefined) return { $ref: uri(known[0]) };
  return withoutDialect(z.toJSONSchema(schema, { io, unrepresentable: "any" }));
}
