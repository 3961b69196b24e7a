import { expect, test } from "@jest/globals";
import { agentControlRoutes, routes } from "@postern/contracts";
import { z } from "zod";
import type { ApiClient } from "./api-client";
import { operationsOf, replyingWith } from "./operations";

const operations = operationsOf(routes);

test("every route is found by its operation", () => {
  expect(Object.values(operations)).toEqual([...routes]);
  expect(Object.keys(operationsOf(agentControlRoutes)).toSorted()).toEqual([
    "heartbeat",
    "leaseAttempt",
  ]);
});

test("a route whose replies are read otherwise keeps everything else", () => {
  const schema = z.object({});
  const route = replyingWith(operations.putSync, schema);
  expect(Object.keys(route.responses)).toEqual(["200", "201"]);
  expect(Object.values(route.responses).map((reply) => reply.schema)).toEqual([schema, schema]);
  expect({ ...route, responses: {} }).toEqual({ ...operations.putSync, responses: {} });
});

/** Calls that do not compile: each fails the type check when the types become looser. Never run. */
export const refusedByTypes = (client: ApiClient<typeof operations>) => [
  // @ts-expect-error: not an operation
  client.call("dropDatabase"),
  // @ts-expect-error: its parameter is missing
  client.call("getSync"),
  // @ts-expect-error: its parameter has another name
  client.call("getSync", { params: { name: "people" } }),
  // @ts-expect-error: its body is missing
  client.call("leaseAttempt", { params: { id: "j1" } }),
  // @ts-expect-error: not one of the states
  client.call("listDeadLetters", { query: { state: "ajar" } }),
  // @ts-expect-error: takes no If-Match
  client.call("getSync", { params: { id: "people" }, headers: { "if-match": "*" } }),
  // @ts-expect-error: takes JSON only
  client.call("createJob", { yaml: "kind: target.test" }),
  // @ts-expect-error: not a list
  client.list("getHealth", {}, 10),
  // @ts-expect-error: asks for its pages itself
  client.list("listDeadLetters", { query: { limit: 10 } }, 10),
  // @ts-expect-error: the id of a job is text
  client.call("getJob", { params: { id: "j1" } }).then(({ value }): number => value.id),
];
