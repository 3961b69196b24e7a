import { expect, test } from "@jest/globals";
import { JobList } from "@postern/contracts";
import { z } from "zod";
import { readReply } from "./reply-reader";

test("what a newer cloud says beyond the schema is left out, at any depth", () => {
  const schema = z.strictObject({ items: z.array(z.strictObject({ id: z.string() })) });
  const reply = { items: [{ id: "a", colour: "red" }, { id: "b" }], total: 2 };
  expect(readReply(schema, reply)).toEqual({ items: [{ id: "a" }, { id: "b" }] });
  expect(reply.total).toBe(2);
});

test("what is missing or of another type is not an answer", () => {
  expect(readReply(JobList, { items: [] })).toBeUndefined();
  expect(readReply(JobList, { items: {}, continuation: null })).toBeUndefined();
  expect(readReply(JobList, "<html>")).toBeUndefined();
});
