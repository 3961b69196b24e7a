import { describe, expect, test } from "@jest/globals";
import {
  AgentId,
  CycleId,
  DefinitionId,
  Lane,
  MessageId,
  TenantId,
  Timestamp,
  Traceparent,
  Version,
} from "./ids";

const accepts = (
  schema: { safeParse(value: unknown): { success: boolean } },
  values: readonly unknown[],
) => values.map((value) => schema.safeParse(value).success);

describe("ids", () => {
  test("of definitions, groups and targets are plain names", () => {
    expect(accepts(DefinitionId, ["people", "hr-2", "a"])).toEqual([true, true, true]);
    const bad = [
      "",
      "People",
      "-a",
      "a-",
      "a--b",
      "1a",
      "a b",
      "a/b",
      "é",
      "a".repeat(41),
      "__proto__",
      7,
      null,
    ];
    expect(accepts(DefinitionId, bad)).toEqual(bad.map(() => false));
  });

  test("of agents may be host names", () => {
    expect(accepts(AgentId, ["vm-1.contoso.internal", "A", "vm1"])).toEqual([true, true, true]);
    expect(accepts(AgentId, ["", ".", "-vm", "a/b", "a b", "../x"])).toEqual(Array(6).fill(false));
  });

  test("of lanes run from 00 to 15", () => {
    expect(accepts(Lane, ["people/00", "people/15"])).toEqual([true, true]);
    expect(accepts(Lane, ["people/16", "people/1", "people", "/00", "People/00"])).toEqual(
      Array(5).fill(false),
    );
  });

  test("of messages fit Service Bus", () => {
    expect(accepts(MessageId, ["x", "x".repeat(128), "", "x".repeat(129)])).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("of tenants are GUIDs, and of cycles cannot lead out of a path", () => {
    expect(accepts(TenantId, ["6f9a1f0e-3f52-4c7d-9a55-0d9b7f4f2f10", "common"])).toEqual([
      true,
      false,
    ]);
    expect(accepts(CycleId, ["c20261121T080000000", "../x", "a b"])).toEqual([true, false, false]);
  });
});

test("versions are whole, positive and exact", () => {
  expect(accepts(Version, [1, 1_795_248_000_017, Number.MAX_SAFE_INTEGER])).toEqual([
    true,
    true,
    true,
  ]);
  expect(accepts(Version, [0, -1, 1.5, 2 ** 53, "1", NaN, null])).toEqual(Array(7).fill(false));
});

test("times are UTC, and trace parents are W3C", () => {
  expect(accepts(Timestamp, ["2026-11-21T08:00:00Z", "2026-11-21T08:00:00.123Z"])).toEqual([
    true,
    true,
  ]);
  expect(
    accepts(Timestamp, ["2026-11-21T08:00:00+01:00", "2026-11-21", "2026-02-30T00:00:00Z", 0]),
  ).toEqual(Array(4).fill(false));
  expect(
    accepts(Traceparent, ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-xyz-01"]),
  ).toEqual([true, false]);
});
