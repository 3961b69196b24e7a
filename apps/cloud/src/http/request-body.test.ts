import { describe, expect, test } from "@jest/globals";
import { type Route, routes } from "@postern/contracts";
import { readBody } from "./request-body";

const route: Route | undefined = routes.find(({ operationId }) => operationId === "putSync");
if (route === undefined) throw new RangeError("no route takes YAML");

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

const readYaml = (text: string): Promise<unknown> =>
  readBody(route, {
    headers: new Headers({ "content-type": "application/yaml" }),
    body: chunks(text),
  });

/** Milliseconds of processor time, which a busy machine does not lengthen as it does time by the clock. */
async function processorMs(text: string): Promise<number> {
  const before = process.cpuUsage();
  await readYaml(text).catch(() => undefined);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe("a body in YAML", () => {
  test.each([
    ["a: 1\nb: 2\na: 3\n", "line 3, column 1: Map keys must be unique"],
    ["x:\n  - {k: 1, l: 2, 'k': 3}\n", "line 2, column 18: Map keys must be unique"],
    ["id: [a\n", "line 2, column 1: "],
    ["a: 'b\n", "line 2, column 1: Missing closing 'quote"],
    ["a: 1\n---\nb: 2\n", "line 2, column 1: Source contains multiple documents"],
    ['""""', "line 1, column 3: "],
  ])("that is wrong says where: %j", async (text, where) => {
    await expect(readYaml(text)).rejects.toMatchObject({
      code: "request-invalid",
      problems: [{ field: "$", problem: expect.stringContaining(`not valid YAML at ${where}`) }],
    });
  });

  test("may have the same key in different maps, and keys that only look alike", async () => {
    expect(await readYaml("a: {k: 1}\nb: {k: 2}\nA: 3\n")).toEqual({
      a: { k: 1 },
      b: { k: 2 },
      A: 3,
    });
  });

  test("may repeat itself by alias, within reason", async () => {
    expect(await readYaml("a: &x [1]\nb: *x\n")).toEqual({ a: [1], b: [1] });
    const aliases = Array.from({ length: 1_001 }, (_, n) => `- &a${n} x\n- *a${n}\n`).join("");
    await expect(readYaml(aliases)).rejects.toMatchObject({
      problems: [{ problem: expect.stringContaining("too many aliases") }],
    });
  });

  // A time that grows with the square of the size would be a minute; the bound leaves room for a slow processor.
  test.each([
    ["keys", Array.from({ length: 60_000 }, (_, n) => `k${n.toString(36)}:\n`).join("")],
    ["errors", '"'.repeat(500_000)],
    ["aliases", Array.from({ length: 20_000 }, (_, n) => `- &a${n} x\n- *a${n}\n`).join("")],
  ])(
    "costs seconds of processor time at most, with as many %s as it can hold",
    async (_name, text) => {
      expect(await processorMs(text)).toBeLessThan(10_000);
    },
    120_000,
  );
});
