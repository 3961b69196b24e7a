import { describe, expect, test } from "@jest/globals";
import { PosternError, SyncDefinition } from "@postern/contracts";
import { compileDefinition, isInScope, mapEntity, MappingFailure } from "./compiled-definition";

const base = { id: "directory", group: "main", target: "db" };
const users = {
  object: "people",
  key: { id: "id" },
  columns: { upn: "userPrincipalName", manager_id: "manager.id", enabled: "accountEnabled" },
};

function compile(definition: Record<string, unknown>) {
  return compileDefinition(SyncDefinition.parse({ ...base, ...definition }));
}

function problemsOf(definition: Record<string, unknown>): unknown {
  try {
    compile(definition);
  } catch (error) {
    if (error instanceof PosternError) return [error.code, error.details["problems"]];
    throw error;
  }
  return undefined;
}

describe("what is read", () => {
  test("users alone: one stream, and only the properties that the expressions name", () => {
    const { streams, select } = compile({ users: { ...users, scope: "userType == 'Member'" } });
    expect(streams).toEqual(["users"]);
    expect(select.users).toEqual([
      "id",
      "userType",
      "userPrincipalName",
      "manager",
      "accountEnabled",
    ]);
  });

  test("memberships alone read the groups stream with its members", () => {
    const memberships = { object: "m", key: { g: "group.id", m: "member.id" } };
    const { streams, select } = compile({ memberships });
    expect(streams).toEqual(["groups"]);
    expect(select.groups).toEqual(["id", "members"]);
  });

  test("the account's state is watched by the breaker unless the definition says otherwise", () => {
    expect(compile({ users }).mappings.user?.watched).toEqual(["enabled"]);
    const columns = { enabled: { from: "accountEnabled", breaker: false } };
    expect(compile({ users: { ...users, columns } }).mappings.user?.watched).toEqual([]);
  });
});

describe("refused definitions name section and column", () => {
  test.each([
    [{ users: { ...users, key: { id: "1 +" } } }, "$.users.key.id"],
    [{ users: { ...users, columns: { x: "nope(mail)" } } }, "$.users.columns.x"],
    [{ users: { ...users, scope: "mail &&" } }, "$.users.scope"],
    [{ users: { ...users, columns: { x: "manager.mail" } } }, "$.users.columns.x"],
    [{ users: { ...users, columns: { id: "id" } } }, "$.users.columns.id"],
    [{ groups: { object: "g", key: { id: "members" } } }, "$.groups.key.id"],
    [{ memberships: { object: "m", key: { g: "group.displayName" } } }, "$.memberships.key.g"],
  ])("%#", (definition, field) => {
    expect(problemsOf(definition)).toEqual([
      "expression-invalid",
      [expect.objectContaining({ field })],
    ]);
  });

  test("every problem is reported at once", () => {
    const definition = { users: { ...users, key: { id: "(" }, columns: { a: ")", b: "ok" } } };
    expect(problemsOf(definition)).toMatchObject(["expression-invalid", [{}, {}]]);
  });
});

describe("mapping", () => {
  const mapping = () => {
    const { mappings } = compile({ users: { ...users, scope: "userType != 'Guest'" } });
    if (mappings.user === undefined) throw new Error("users are mapped");
    return mappings.user;
  };

  test("absent is null, an empty text stays one", () => {
    expect(mapEntity(mapping(), { id: "1", userPrincipalName: "" })).toEqual({
      key: { id: "1" },
      values: { upn: "", manager_id: null, enabled: null },
    });
  });

  test("a key must have a value", () => {
    expect(() => mapEntity(mapping(), { id: null })).toThrow(
      new MappingFailure("key column 'id': the value is null"),
    );
  });

  test("anything but true is out of scope", () => {
    expect(isInScope(mapping(), { userType: "Member" })).toBe(true);
    expect(isInScope(mapping(), { userType: "Guest" })).toBe(false);
  });
});
