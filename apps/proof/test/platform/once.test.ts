import { afterEach, describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { AuditedSqlite } from "../../src/chaos/target/audited-sqlite";
import { auditViolations } from "../../src/chaos/target/audited-target";
import {
  expectedGroups,
  expectedMembers,
  expectedPeople,
  ordered,
  type Tenant,
} from "../../src/chaos/target/expected-rows";
import { freshDirectory, runOnce } from "../scenes/platform-run";

const opened: AuditedSqlite[] = [];
afterEach(() => {
  for (const target of opened.splice(0)) target.close();
});

function openTarget(file: string): AuditedSqlite {
  const target = new AuditedSqlite(file);
  opened.push(target);
  return target;
}

function expectInStep(target: AuditedSqlite, tenant: Tenant): void {
  expect(ordered(target.rows("people"))).toEqual(ordered(expectedPeople(tenant)));
  expect(ordered(target.rows("groups"))).toEqual(ordered(expectedGroups(tenant)));
  expect(ordered(target.rows("group_members"))).toEqual(ordered(expectedMembers(tenant)));
}

const readTenantFile = (file: string): Tenant => JSON.parse(readFileSync(file, "utf8")) as Tenant;

describe("npm start -- --once", () => {
  test("leaves the target equal to the sample tenant, and a second run writes nothing", async () => {
    const data = freshDirectory();
    const first = await runOnce(["--data", data]);
    const tenant = readTenantFile(path.join(data, "sample-tenant-500.json"));
    expect(first).toMatchObject({ code: 0, target: `sqlite:${path.join(data, "target.db")}` });
    expect(first.cycles).toHaveLength(1);
    const items = tenant.users.length + tenant.groups.length + expectedMembers(tenant).length;
    expect(first.cycles[0]).toMatchObject({
      definition: "directory",
      kind: "initial",
      enqueued: items,
      applied: items,
      held: 0,
      failed: 0,
    });
    const target = openTarget(path.join(data, "target.db"));
    expectInStep(target, tenant);

    const second = await runOnce(["--data", data]);
    expect(second).toMatchObject({
      code: 0,
      cycles: [{ definition: "directory", kind: "incremental", enqueued: 0, applied: 0 }],
    });
    expect(target.audit()).toEqual([]);
    expectInStep(target, tenant);
  });

  const shared = path.resolve(__dirname, "../../../../../shared/tenants/graph-explorer.json");
  (existsSync(shared) ? test : test.skip)(
    "takes a real tenant file, and differences of a later one become ordinary changes",
    async () => {
      const data = freshDirectory();
      const first = await runOnce(["--data", data, "--tenant", shared]);
      expect(first).toMatchObject({ code: 0, cycles: [{ kind: "initial", failed: 0, held: 0 }] });
      const tenant = readTenantFile(shared);
      const target = openTarget(path.join(data, "target.db"));
      expectInStep(target, tenant);

      const again = await runOnce(["--data", data, "--tenant", shared]);
      expect(again).toMatchObject({ code: 0, cycles: [{ kind: "incremental", enqueued: 0 }] });
      expect(target.audit()).toEqual([]);
      expect(auditViolations(target.audit())).toEqual([]);
    },
  );
});
