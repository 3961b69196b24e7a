import { describe, expect, test } from "@jest/globals";
import { folderCircles, unknownThrows } from "./house-rules";

const source = (file: string, text: string) => ({ file: `apps/cloud/src/${file}`, text });

describe("circles of folders", () => {
  const there = source("jobs/job.ts", 'import type { A } from "../agents/agent";');
  const back = source("agents/agent.ts", 'import { b } from "../jobs/kinds/kind";');
  const kind = source("jobs/kinds/kind.ts", "");

  test("are found through type-only imports and folders below", () => {
    expect(folderCircles([there, back, kind])).toEqual([
      {
        file: "apps/cloud/src/agents",
        problem: expect.stringContaining("apps/cloud/src/jobs"),
      },
    ]);
  });

  test("are none where imports go one way, or where a test closes them", () => {
    expect(folderCircles([there, source("agents/agent.ts", ""), kind])).toEqual([]);
    const closing = { ...back, file: "apps/cloud/src/agents/agent.test.ts" };
    expect(folderCircles([there, source("agents/agent.ts", ""), closing, kind])).toEqual([]);
  });

  test("are not seen between a folder and the folders in it", () => {
    const down = source("jobs/job.ts", 'import { k } from "./kinds/kind";');
    const up = source("jobs/kinds/kind.ts", 'import type { J } from "../job";');
    expect(folderCircles([down, up])).toEqual([]);
  });
});

test("@throws names a class that exists in the sources", () => {
  const known = source("a.ts", "export class Refused extends Error {}\n/** @throws Refused */");
  const unknown = source("b.ts", "\n/** @throws BrokerError when it is gone */");
  expect(unknownThrows([known, unknown])).toEqual([
    { file: "apps/cloud/src/b.ts", line: 2, problem: expect.stringContaining("BrokerError") },
  ]);
});
