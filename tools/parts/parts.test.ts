import { describe, expect, test } from "@jest/globals";
import { folderOf, type Part, partKeys, partsToRun, rememberedAfter } from "./parts";

const part = (folder: string, uses: string[] = [], contents = "1"): Part => ({
  folder,
  name: `@postern/${folder.split("/").at(-1) ?? ""}`,
  uses: uses.map((name) => `@postern/${name}`),
  usesEverything: folder === "apps/proof",
  contents,
});

function tree(changed: Partial<Record<string, string>> = {}): Part[] {
  return [
    part("packages/contracts", [], changed["packages/contracts"]),
    part("packages/connectors", ["contracts"], changed["packages/connectors"]),
    part("apps/agent", ["connectors", "contracts"], changed["apps/agent"]),
    part("apps/cli", ["contracts"], changed["apps/cli"]),
    part("apps/proof", ["agent"], changed["apps/proof"]),
  ];
}

const toRun = (after: Part[], shared = "lock"): string[] =>
  partsToRun(partKeys(after, shared), Object.fromEntries(partKeys(tree(), "lock")));

describe("the parts that have to be tested again", () => {
  test("are none when nothing has changed", () => {
    expect(toRun(tree())).toEqual([]);
  });

  test("are a changed part and every part that uses it, also through others", () => {
    expect(toRun(tree({ "packages/connectors": "2" }))).toEqual([
      "packages/connectors",
      "apps/agent",
      "apps/proof",
    ]);
  });

  test("include a part that uses everything, whatever changed", () => {
    expect(toRun(tree({ "apps/cli": "2" }))).toEqual(["apps/cli", "apps/proof"]);
  });

  test("are all when the lockfile, the configuration or Node has changed", () => {
    expect(toRun(tree(), "another lock")).toHaveLength(tree().length);
  });

  test("are all when nothing is remembered", () => {
    expect(partsToRun(partKeys(tree(), "lock"), {})).toHaveLength(tree().length);
  });

  test("are found when packages use each other in a circle", () => {
    const circle = [part("packages/a", ["b"]), part("packages/b", ["a"])];
    const before = Object.fromEntries(partKeys(circle, "lock"));
    const after = partKeys([part("packages/a", ["b"]), part("packages/b", ["a"], "2")], "lock");
    expect(partsToRun(after, before)).toEqual(["packages/a", "packages/b"]);
  });
});

describe("what a run leaves behind", () => {
  const keys = partKeys(tree(), "lock");

  test("is the key of each part that passed, and of those that did not have to run", () => {
    const left = rememberedAfter(
      keys,
      ["apps/agent", "apps/cli"],
      [
        { file: "apps/agent/src/a.test.ts", passed: true },
        { file: "apps/cli/src/a.test.ts", passed: true },
        { file: "apps/cli/src/b.test.ts", passed: false },
      ],
    );
    expect(Object.keys(left)).toEqual([
      "packages/contracts",
      "packages/connectors",
      "apps/agent",
      "apps/proof",
    ]);
  });

  test("is nothing of a part whose tests were interrupted before they reported", () => {
    expect(rememberedAfter(keys, ["apps/agent"], [])).not.toHaveProperty(["apps/agent"]);
  });
});

test("a file is in the innermost part", () => {
  const folders = ["packages/emulators", "packages/emulators/cosmos"];
  expect(folderOf("packages/emulators/cosmos/src/a.test.ts", folders)).toBe(
    "packages/emulators/cosmos",
  );
});
