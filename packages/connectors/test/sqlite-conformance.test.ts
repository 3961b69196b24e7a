import { describe, test } from "@jest/globals";
import { conformanceCases } from "../src/conformance";
import { sqliteHarness } from "./sqlite-harness";

describe("the sql connector on SQLite", () => {
  test.each(conformanceCases)("$name", async ({ run }) => {
    const harness = sqliteHarness();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  });
});
