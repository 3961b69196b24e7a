import { describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { jsonSchemas } from "./json-schemas";

const directory = path.join(__dirname, "..", "..", "schemas");
const schemas = Object.entries(jsonSchemas());

describe("published JSON Schemas", () => {
  test("are the files in schemas/, no more and no fewer", () => {
    expect(readdirSync(directory).toSorted()).toEqual(schemas.map(([name]) => name).toSorted());
  });

  test.each(schemas)("%s is up to date (else: npm run fix)", (name, schema) => {
    expect(JSON.parse(readFileSync(path.join(directory, name), "utf8"))).toEqual(
      JSON.parse(JSON.stringify(schema)),
    );
  });
});

/** Messages that cross a wire: nothing in them may be without a bound. */
const wire = [
  "heartbeat.json",
  "heartbeat-reply.json",
  "job-message.json",
  "job-request.json",
  "job-result-message.json",
  "release-request.json",
  "result-message.json",
  "start-message.json",
  "sync-definition.json",
  "work-message.json",
];

function unbounded(schema: unknown, at: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const node = new Map(Object.entries(schema));
  const found: string[] = [];
  const closed = ["maxLength", "enum", "const", "pattern"].some((keyword) => node.has(keyword));
  if (node.get("type") === "string" && !closed) found.push(`${at}: text`);
  if (node.get("type") === "array" && !node.has("maxItems")) found.push(`${at}: list`);
  for (const [key, value] of node) found.push(...unbounded(value, `${at}/${key}`));
  return found;
}

test.each(wire)("every text and list of %s has a bound", (name) => {
  expect(unbounded(jsonSchemas()[name], name)).toEqual([]);
});
