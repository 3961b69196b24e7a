import { expect, test } from "@jest/globals";
import { JobList } from "@postern/contracts";
import { z } from "zod";
import { readReply } from "./reply-reader";

const schema = z.strictObject({ items: z.array(z.strictObject({ id: z.string() })) });

test("fields that a newer cloud adds are left out at any depth, and stay in the raw reply", () => {
  const reply = { items: [{ id: "a", colour: "red" }, { id: "b" }], total: 2 };
  expect(readReply(schema, JSON.stringify(reply))).toEqual({
    value: { items: [{ id: "a" }, { id: "b" }] },
    raw: reply,
  });
});

test.each([
  ["a field is missing", '{"items":[]}'],
  ["a field has another type", '{"items":{},"continuation":null}'],
  ["it is not JSON", "<html>"],
  ["its JSON is cut off", '{"items":[],"continuation":nu'],
  ["it is empty", ""],
])("there is no reply when %s", (_, text) => {
  expect(readReply(JobList, text)).toBeUndefined();
});

test("an unknown field that nests deeper than the stack does not end the program", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  expect(readReply(schema, `{"items":[],"deep":${deep}}`)?.value).toEqual({ items: [] });
});

test("a union's own unknown fields are left out too", () => {
  const union = z.strictObject({
    item: z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })]),
  });
  expect(readReply(union, '{"item":{"a":"1"},"new":1}')?.value).toEqual({ item: { a: "1" } });
});
