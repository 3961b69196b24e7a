import { z } from "zod";
import { AgentView, Heartbeat, HeartbeatReply } from "../agent";
import { CycleView } from "../documents/cycle";
import { DeadLetter } from "../documents/dead-letter";
import { ReleaseRequest } from "./hold-routes";
import { SyncView } from "./sync-routes";
import { AttemptRequest, JobMessage, JobRequest, JobResultMessage, JobView } from "../job";
import { Problem } from "../words/problem";
import { ResultMessage } from "../messages/result-message";
import { StartMessage } from "../messages/start-message";
import { SyncDefinition } from "../sync-definition";
import { WorkMessage } from "../messages/work-message";

/** Where the schemas are published; editors find them by this address. */
export const JSON_SCHEMA_BASE = "https://postern.dev/schemas/v1/";

/** What is published, by file name. `input` = as a person or program writes it, defaults left out. */
const published = {
  "agent-view": AgentView,
  "attempt-request": AttemptRequest,
  "cycle-view": CycleView,
  "dead-letter": DeadLetter,
  heartbeat: Heartbeat,
  "heartbeat-reply": HeartbeatReply,
  "job-message": JobMessage,
  "job-request": JobRequest,
  "job-result-message": JobResultMessage,
  "job-view": JobView,
  problem: Problem,
  "release-request": ReleaseRequest,
  "result-message": ResultMessage,
  "start-message": StartMessage,
  "sync-definition": SyncDefinition,
  "sync-view": SyncView,
  "work-message": WorkMessage,
} as const satisfies Record<string, z.ZodType>;

export type PublishedSchema = keyof typeof published;

/** JSON Schema (draft 2020-12) of a published document. */
export function jsonSchema(name: PublishedSchema): Record<string, unknown> {
  return {
    $id: `${JSON_SCHEMA_BASE}${name}.json`,
    title: `Postern ${name.replaceAll("-", " ")}`,
    ...z.toJSONSchema(published[name], { io: "input", unrepresentable: "throw" }),
  };
}

/** Every published schema by file name, as `schemas/` holds it. */
export function jsonSchemas(): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.keys(published)
      .filter((name): name is PublishedSchema => name in published)
      .map((name) => [`${name}.json`, jsonSchema(name)]),
  );
}
