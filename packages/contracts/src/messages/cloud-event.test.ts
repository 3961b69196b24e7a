import { expect, test } from "@jest/globals";
import { z } from "zod";
import { eventAttribute, eventProperties, parseEventType, readMessage } from "./cloud-event";
import { PosternError } from "../words/error-codes";

const attributes = {
  id: "m1",
  source: "/ghent/cloud",
  type: "postern.test.v1",
  time: "2026-11-21T08:00:00Z",
};
const options = { schema: z.object({ count: z.int().max(9) }), type: "postern.test.v1" };
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof PosternError ? `${error.code}: ${error.message}` : "other";
  }
};

test("attributes are application properties with their prefix, absent ones left out", () => {
  const properties = eventProperties(attributes);
  expect(properties).toEqual({
    "cloudEvents:specversion": "1.0",
    "cloudEvents:id": "m1",
    "cloudEvents:source": "/ghent/cloud",
    "cloudEvents:type": "postern.test.v1",
    "cloudEvents:time": "2026-11-21T08:00:00Z",
  });
  expect(eventAttribute(properties, "id")).toBe("m1");
  expect(eventAttribute(properties, "traceparent")).toBeUndefined();
  expect(eventAttribute({ "cloudEvents:id": 7 }, "id")).toBeUndefined();
});

test("a message of the expected type is read", () => {
  expect(readMessage(options, eventProperties(attributes), { count: 3 })).toEqual({ count: 3 });
});

test("a message of another type, or of none, is refused as unknown, not as malformed", () => {
  const later = eventProperties({ ...attributes, type: "postern.test.v2" });
  expect(codeOf(() => readMessage(options, later, { count: 3 }))).toMatch(
    /^message-type-unknown: .*v2/,
  );
  expect(codeOf(() => readMessage(options, undefined, { count: 3 }))).toMatch(
    /^message-type-unknown: .*none/,
  );
});

test.each([undefined, null, "text", [], {}, { count: "3" }, { count: 10 }])(
  "the body %j is refused",
  (body) => {
    expect(codeOf(() => readMessage(options, eventProperties(attributes), body))).toMatch(
      /^message-malformed: \$/,
    );
  },
);

test("types are read into family and major", () => {
  expect(parseEventType("postern.sync.apply.v12")).toEqual({
    family: "postern.sync.apply",
    major: 12,
  });
  for (const wrong of ["postern.sync.apply", "v1", "Postern.v1", "postern.v", "postern.vx", ""]) {
    expect(parseEventType(wrong)).toBeUndefined();
  }
});
