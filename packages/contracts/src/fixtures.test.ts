import { describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import * as contracts from "./index";

const directory = path.join(__dirname, "..", "fixtures", "v1");
const names = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.replace(/\.json$/, ""));
const read = (name: string): unknown =>
  JSON.parse(readFileSync(path.join(directory, `${name}.json`), "utf8"));

const messages: Readonly<Record<string, contracts.ReadOptions<z.ZodType>>> = {
  "work-message": { schema: contracts.WorkMessage, type: contracts.WORK_MESSAGE_TYPE },
  "work-message-retried": { schema: contracts.WorkMessage, type: contracts.WORK_MESSAGE_TYPE },
  "result-message": { schema: contracts.ResultMessage, type: contracts.RESULT_MESSAGE_TYPE },
  "start-message": { schema: contracts.StartMessage, type: contracts.START_MESSAGE_TYPE },
  "start-message-continuation": {
    schema: contracts.StartMessage,
    type: contracts.START_MESSAGE_TYPE,
  },
  "start-message-on-demand": { schema: contracts.StartMessage, type: contracts.START_MESSAGE_TYPE },
  "parked-message": { schema: contracts.ParkedMessage, type: contracts.PARKED_MESSAGE_TYPE },
  "job-message": { schema: contracts.JobMessage, type: contracts.JOB_MESSAGE_TYPE },
  "job-result-message": {
    schema: contracts.JobResultMessage,
    type: contracts.JOB_RESULT_MESSAGE_TYPE,
  },
};

const documents = {
  "agent-view": contracts.AgentView,
  "attempt-request": contracts.AttemptRequest,
  checkpoint: contracts.Checkpoint,
  counter: contracts.DefinitionCounter,
  cycle: contracts.Cycle,
  "cycle-stalled": contracts.Cycle,
  "cycle-view": contracts.CycleView,
  "cycle-view-stalled": contracts.CycleView,
  "dead-letter": contracts.DeadLetter,
  "dead-letter-replayed": contracts.DeadLetter,
  heartbeat: contracts.Heartbeat,
  "heartbeat-reply": contracts.HeartbeatReply,
  hold: contracts.Hold,
  "index-entry": contracts.IndexEntry,
  "job-request": contracts.JobRequest,
  "job-request-sync-entities": contracts.JobRequest,
  "job-view": contracts.JobView,
  "lane-trials": contracts.LaneTrials,
  "ledger-entry": contracts.LedgerEntry,
  "ledger-entry-tried": contracts.LedgerEntry,
  marker: contracts.Marker,
  "marker-withdrawn": contracts.Marker,
  "parked-record": contracts.ParkedRecord,
  "parked-view": contracts.ParkedView,
  "process-record": contracts.ProcessRecord,
  "page-record": contracts.PageRecord,
  problem: contracts.Problem,
  "release-request": contracts.ReleaseRequest,
  "sync-definition": contracts.SyncDefinition,
  "sync-definition-least": contracts.SyncDefinition,
} as const;

/** Their keys are names of columns and properties, not fields of a schema. */
const free = new Set([
  "key",
  "data",
  "parameters",
  "values",
  "properties",
  "targetKey",
  "counts",
  "deletesByHour",
]);
/** Fields of messages that a sender may lack. */
const addedByMinors = new Set([
  "attempts",
  "firstAttemptAt",
  "traceparent",
  "failure",
  "code",
  "retryAt",
]);

function withAddedFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withAddedFields);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    free.has(name) ? (field as unknown) : withAddedFields(field),
  ]);
  return { ...Object.fromEntries(fields), addedLater: { by: ["N+1"] } };
}

function withoutFields(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutFields(each, names));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !names.has(name))
      // The `code` of a proof is no error code.
      .map(([name, field]) => [
        name,
        free.has(name) || name === "proof" ? field : withoutFields(field, names),
      ]),
  );
}

const Message = z.strictObject({
  properties: z.record(z.string(), z.unknown()),
  body: z.unknown(),
});
const Invalid = z.strictObject({
  schema: z.enum([
    "AttemptRequest",
    "Heartbeat",
    "JobRequest",
    "ResultMessage",
    "StartMessage",
    "SyncDefinition",
    "WorkMessage",
  ]),
  field: z.string(),
  document: z.unknown(),
});

describe("fixtures of version 1", () => {
  test("are each read by a schema", () => {
    const known = ["message-properties", ...Object.keys(messages), ...Object.keys(documents)];
    expect(names(directory).toSorted()).toEqual(known.toSorted());
  });

  test.each(Object.entries(messages))("%s is read from a queue", (name, options) => {
    const { properties, body } = Message.parse(read(name));
    const parsed: unknown = contracts.readMessage(options, properties, body);
    expect(parsed).toEqual(body);
    expect(contracts.eventAttribute(properties, "traceparent")).toMatch(/^00-/);
  });

  test.each(Object.entries(messages))(
    "%s is read with what a later minor adds",
    (name, options) => {
      const { properties, body } = Message.parse(read(name));
      const later = {
        ...z.record(z.string(), z.unknown()).parse(body),
        addedLater: { by: ["N+1"] },
      };
      expect(contracts.readMessage(options, properties, later)).toEqual(body);
    },
  );

  test.each(Object.entries(messages))(
    "%s is read with what a later minor adds at every level",
    (name, options) => {
      const { properties, body } = Message.parse(read(name));
      const later = withAddedFields(body);
      expect(later).not.toEqual(body);
      expect(contracts.readMessage(options, properties, later)).toEqual(body);
    },
  );

  test.each(["heartbeat", "heartbeat-reply", "ledger-entry", "marker", "page-record"] as const)(
    "%s is read with what a later minor adds at every level",
    (name) => {
      const later = withAddedFields(read(name));
      expect(documents[name].parse(later)).toEqual(documents[name].parse(read(name)));
    },
  );

  test.each(Object.entries(messages))(
    "%s is read without what an earlier minor did not have",
    (name, options) => {
      const { properties, body } = Message.parse(read(name));
      const earlier = withoutFields(body, addedByMinors);
      expect(contracts.readMessage(options, properties, earlier)).toEqual(earlier);
    },
  );

  test.each(Object.entries(documents))("%s is read", (name, schema) => {
    expect(schema.parse(read(name))).toMatchObject(
      z.record(z.string(), z.unknown()).parse(read(name)),
    );
  });

  test("message-properties is read", () => {
    const properties = z.record(z.string(), z.unknown()).parse(read("message-properties"));
    expect(Object.keys(contracts.readPosternProperties(properties)).toSorted()).toEqual(
      Object.keys(contracts.PosternProperties.shape).toSorted(),
    );
  });

  test("carry the hash of their content", () => {
    const { items } = contracts.WorkMessage.parse(Message.parse(read("work-message")).body);
    expect(items.map(contracts.contentHash)).toEqual(items.map((item) => item.hash));
  });

  test("name what is wrong with each invalid document", () => {
    const found = names(path.join(directory, "invalid")).map((name) => {
      const { schema, field, document } = Invalid.parse(read(`invalid/${name}`));
      const parsed = contracts[schema].safeParse(document);
      const fields = parsed.error
        ? contracts.fieldProblems(parsed.error).map((each) => each.field)
        : ["accepted"];
      return [name, fields, field] as const;
    });
    expect(found.length).toBeGreaterThan(25);
    expect(found.map(([name, fields]) => [name, fields])).toEqual(
      found.map(([name, , field]) => [name, [field]]),
    );
  });
});
