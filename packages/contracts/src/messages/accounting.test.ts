import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { limits } from "../words/limits";
import { accountingOf, posternProperties, readPosternProperties } from "./accounting";

const fixture = path.join(__dirname, "..", "..", "fixtures", "v1", "message-properties.json");
const wire = z
  .record(z.string(), z.union([z.string(), z.number()]))
  .parse(JSON.parse(readFileSync(fixture, "utf8")));
const { "cloudEvents:type": _type, ...own } = wire;

describe("the properties of a message", () => {
  test("are written as they are read", () => {
    expect(posternProperties(readPosternProperties(wire))).toEqual(own);
  });

  test("are written only where they are given", () => {
    const { group } = readPosternProperties(wire);
    expect(posternProperties({ group })).toEqual({ "postern:group": "main" });
    expect(posternProperties({ group, jobId: undefined })).toEqual({ "postern:group": "main" });
  });

  test("are read without foreign ones", () => {
    const foreign = {
      ...wire,
      "postern:colour": "red",
      definition: "other",
      DeadLetterReason: "x",
    };
    expect(readPosternProperties(foreign)).toEqual(readPosternProperties(wire));
  });

  test("account for a message, also with numbers that came as text", () => {
    const accounting = {
      definition: "people",
      cycleId: "c20261121T080000000",
      version: 1_795_248_000_017,
      count: 2,
    };
    expect(accountingOf(wire)).toEqual(accounting);
    const resent = { ...wire, "postern:version": "1795248000017", "postern:count": "2" };
    expect(accountingOf(resent)).toEqual(accounting);
  });

  test("do not account for a message without properties", () => {
    expect(readPosternProperties(undefined)).toEqual({});
    expect(accountingOf(undefined)).toBeUndefined();
  });

  test.each(["definition", "cycleId", "version", "count"])(
    "do not account for a message when %s is missing",
    (name) => {
      const { [`postern:${name}`]: _missing, ...rest } = wire;
      expect(accountingOf(rest)).toBeUndefined();
    },
  );

  test.each([
    ["definition", "P"],
    ["definition", "a".repeat(limits.nameChars + 1)],
    ["definition", 7],
    ["cycleId", "c".repeat(65)],
    ["cycleId", null],
    ["version", 0],
    ["version", 1.5],
    ["version", Number.MAX_SAFE_INTEGER + 1],
    ["version", "soon"],
    ["version", true],
    ["count", 0],
    ["count", limits.itemsPerMessage + 1],
    ["count", 1.5],
    ["count", ""],
    ["count", [2]],
    ["count", {}],
  ])("do not account for a message when %s is %p, and keep the others", (name, value) => {
    const spoilt = { ...wire, [`postern:${name}`]: value };
    expect(accountingOf(spoilt)).toBeUndefined();
    const { [name]: _left, ...others } = { ...readPosternProperties(wire) } as Record<
      string,
      unknown
    >;
    expect(readPosternProperties(spoilt)).toEqual(others);
  });

  test("account for a message whose target, group, stream or job is invalid", () => {
    const spoilt = {
      ...wire,
      "postern:target": "T".repeat(1_000),
      "postern:group": "",
      "postern:stream": "devices",
      "postern:jobId": " ",
      "postern:lane": "people/16",
      "postern:key": "",
      "postern:issuedAt": "yesterday",
      "postern:bodyHash": "AB",
      "postern:code": "x",
    };
    expect(accountingOf(spoilt)).toEqual(accountingOf(wire));
    expect(readPosternProperties(spoilt)).toEqual({
      ...accountingOf(wire),
      target: "T".repeat(1_000),
    });
  });
});
