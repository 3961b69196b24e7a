import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AuditedSqlite } from "../../src/chaos/target/audited-sqlite";
import { auditViolations } from "../../src/chaos/target/audited-target";
import {
  expectedGroups,
  expectedMembers,
  expectedPeople,
  ordered,
  type Tenant,
} from "../../src/chaos/target/expected-rows";
import { graphClient } from "../scenes/graph-client";
import { eventually, startFollowing } from "../scenes/platform-run";

const KILLS = 10;

/** Pauses from a seed, so that a failing run can be repeated. */
function* pauses(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    yield 30 + (state % 700);
  }
}

test.each(["agent", "functions"])(
  "kill -9 of the %s, ten times at random moments of a cycle: nothing lost, nothing twice",
  async (name) => {
    const platform = await startFollowing(["--people", "100"]);
    const target = new AuditedSqlite(path.join(platform.data, "target.db"));
    try {
      const tenant = JSON.parse(
        readFileSync(path.join(platform.data, "sample-tenant-100.json"), "utf8"),
      ) as Tenant;
      const graph = graphClient(platform.endpoints);
      const rename = async (round: number): Promise<void> => {
        await Promise.all(
          tenant.users
            .slice(0, 60)
            .map(({ id }) => graph.api(`/users/${id}`).patch({ jobTitle: `Round ${round}` })),
        );
      };
      const moments = pauses(7);
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await rename(kill);
        await sleep(Number(moments.next().value));
        const pid = platform.pid(name);
        process.kill(pid, "SIGKILL");
        await eventually(`${name} runs again`, () => platform.pid(name) !== pid, 15_000);
      }
      await rename(KILLS + 1);
      const expected: Tenant = {
        groups: tenant.groups,
        users: tenant.users.map((user, index) =>
          index < 60 ? { ...user, jobTitle: `Round ${KILLS + 1}` } : user,
        ),
      };
      await eventually(
        "the target is equal",
        () =>
          JSON.stringify(ordered(target.rows("people"))) ===
          JSON.stringify(ordered(expectedPeople(expected))),
        90_000,
      );
      expect(ordered(target.rows("people"))).toEqual(ordered(expectedPeople(expected)));
      expect(ordered(target.rows("groups"))).toEqual(ordered(expectedGroups(expected)));
      expect(ordered(target.rows("group_members"))).toEqual(ordered(expectedMembers(expected)));
      expect(auditViolations(target.audit())).toEqual([]);
      const response = await eventually(
        "every cycle ends",
        async () => {
          const answer = await fetch(
            `${platform.endpoints.functions}/api/syncs/directory/cycles?limit=50`,
            { headers: { authorization: `Bearer ${platform.endpoints.token}` } },
          );
          const { items } = (await answer.json()) as { items: { state: string }[] };
          return items.length > 0 && items.every(({ state }) => state === "completed");
        },
        90_000,
      );
      expect(response).toBe(true);
    } finally {
      target.close();
      await platform.stop();
    }
  },
  300_000,
);
