import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { conformanceCases } from "../src/conformance";
import { type PostgresServer, startPostgres } from "./postgres-harness";

describe("the sql connector on PostgreSQL", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  test.each(conformanceCases)("$name", async ({ run }) => {
    const harness = await server.harness();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  });
});
