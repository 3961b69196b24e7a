import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBusClient } from "@azure/service-bus";
import {
  eventProperties,
  WORK_MESSAGE_TYPE,
  workQueueName,
  type GroupName,
  type TargetName,
} from "@postern/contracts";
import type { Client } from "@microsoft/microsoft-graph-client";
import { AuditedSqlite } from "../../src/chaos/target/audited-sqlite";
import { auditViolations } from "../../src/chaos/target/audited-target";
import type { Tenant } from "../../src/chaos/target/expected-rows";
import { graphClient } from "../scenes/graph-client";
import { eventually, startFollowing, type RunningPlatform } from "../scenes/platform-run";

let platform: RunningPlatform;
let target: AuditedSqlite;
let graph: Client;
let tenant: Tenant;

/** A change must be at the target within 3 s of being accepted by Graph. */
const WITHIN_MS = 3_000;

beforeAll(async () => {
  platform = await startFollowing(["--people", "120"]);
  target = new AuditedSqlite(path.join(platform.data, "target.db"));
  graph = graphClient(platform.endpoints);
  tenant = JSON.parse(
    readFileSync(path.join(platform.data, "sample-tenant-120.json"), "utf8"),
  ) as Tenant;
}, 90_000);

afterAll(async () => {
  target.close();
  await platform.stop();
});

async function person(index: number): Promise<string> {
  const user = tenant.users[index];
  if (user === undefined) throw new Error(`the tenant has no user ${index}`);
  return user.id;
}

function memberships(memberId: string): Record<string, unknown>[] {
  return target.rows("group_members").filter((row) => row["member_id"] === memberId);
}

describe("a change made through the official Graph client reaches the target within 3 s, exactly once", () => {
  test("a rename, also to a name with quotes and accents", async () => {
    const id = await person(20);
    await graph
      .api(`/users/${id}`)
      .patch({ displayName: `Zoë "Quote" O'Brien; drop table people;--` });
    await eventually(
      "the rename",
      () =>
        target.row("people", id)?.["display_name"] === `Zoë "Quote" O'Brien; drop table people;--`,
      WITHIN_MS,
    );
  });

  test("a cleared value becomes NULL and an empty one stays empty", async () => {
    const id = await person(21);
    await graph.api(`/users/${id}`).patch({ department: null, jobTitle: "" });
    await eventually(
      "the cleared value",
      () => {
        const row = target.row("people", id);
        return row?.["department"] === null && row["job_title"] === "";
      },
      WITHIN_MS,
    );
  });

  test("a new user with a manager, and a membership of it", async () => {
    const managerId = await person(0);
    const created = (await graph.api("/users").post({
      accountEnabled: true,
      displayName: "New Person",
      mailNickname: "new.person",
      userPrincipalName: "new.person@alderwick.example",
      passwordProfile: { password: "Not-used-1!" },
    })) as { id: string };
    await graph
      .api(`/users/${created.id}/manager/$ref`)
      .put({ "@odata.id": `https://graph.microsoft.com/v1.0/users/${managerId}` });
    const groupId = tenant.groups.at(-1)?.id ?? "";
    await graph
      .api(`/groups/${groupId}/members/$ref`)
      .post({ "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${created.id}` });
    await eventually(
      "the new person",
      () => target.row("people", created.id)?.["manager_id"] === managerId,
      WITHIN_MS,
    );
    await eventually("the new membership", () => memberships(created.id).length === 1, WITHIN_MS);
    await graph.api(`/groups/${groupId}/members/${created.id}/$ref`).delete();
    await eventually("the membership's end", () => memberships(created.id).length === 0, WITHIN_MS);
    await graph.api(`/users/${created.id}/manager/$ref`).delete();
    await eventually(
      "the manager's end",
      () => target.row("people", created.id)?.["manager_id"] === null,
      WITHIN_MS,
    );
  });

  test("a disabled account", async () => {
    const id = await person(23);
    await graph.api(`/users/${id}`).patch({ accountEnabled: false });
    await eventually(
      "the disabled account",
      () => target.row("people", id)?.["enabled"] === 0,
      WITHIN_MS,
    );
  });

  test("a deleted user with its memberships, and its restoration with them", async () => {
    const id = await person(24);
    const before = memberships(id);
    expect(before.length).toBeGreaterThan(0);
    await graph.api(`/users/${id}`).delete();
    await eventually(
      "the deletion",
      () => target.row("people", id) === undefined && memberships(id).length === 0,
      WITHIN_MS,
    );
    await graph.api(`/directory/deletedItems/${id}/restore`).post({});
    await eventually(
      "the restoration",
      () => target.row("people", id) !== undefined && memberships(id).length === before.length,
      WITHIN_MS,
    );
  });

  test("a new group with members, and its deletion", async () => {
    const created = (await graph.api("/groups").post({
      displayName: "Fresh",
      mailEnabled: false,
      mailNickname: "fresh",
      securityEnabled: true,
    })) as { id: string };
    await graph.api(`/groups/${created.id}`).patch({
      "members@odata.bind": [0, 1, 2].map(
        (index) => `https://graph.microsoft.com/v1.0/directoryObjects/${tenant.users[index]?.id}`,
      ),
    });
    const members = (): Record<string, unknown>[] =>
      target.rows("group_members").filter((row) => row["group_id"] === created.id);
    await eventually(
      "the new group",
      () => target.row("groups", created.id) !== undefined && members().length === 3,
      WITHIN_MS,
    );
    await graph.api(`/groups/${created.id}`).delete();
    await eventually(
      "the group's end",
      () => target.row("groups", created.id) === undefined && members().length === 0,
      WITHIN_MS,
    );
  });

  test("the audit log shows each (entity, version) once, and versions only rise", async () => {
    await sleep(1_500);
    const rows = target.audit();
    expect(rows.length).toBeGreaterThan(15);
    expect(auditViolations(rows)).toEqual([]);
  });
});

describe("what cannot be applied", () => {
  test("a malformed work item is dead-lettered with a reason, shows in GET /api/deadletters, and blocks no other item", async () => {
    const client = new ServiceBusClient(platform.endpoints.serviceBus);
    try {
      const queue = workQueueName("default" as GroupName, "local" as TargetName);
      const sender = client.createSender(queue);
      await sender.sendMessages({
        messageId: "malformed-1",
        sessionId: "directory/03",
        body: { nonsense: true },
        contentType: "application/json",
        applicationProperties: eventProperties({
          id: "malformed-1",
          source: "test",
          type: WORK_MESSAGE_TYPE,
          time: new Date().toISOString(),
        }),
      });
    } finally {
      await client.close();
    }
    const listed = await eventually("the dead letter", async () => {
      const response = await fetch(`${platform.endpoints.functions}/api/deadletters?state=open`, {
        headers: { authorization: `Bearer ${platform.endpoints.token}` },
      });
      const { items } = (await response.json()) as {
        items: { messageId: string; code: string; reason: string }[];
      };
      return items.find(({ messageId }) => messageId === "malformed-1");
    });
    expect(listed).toMatchObject({
      code: "message-malformed",
      reason: expect.stringContaining("$.items"),
    });
    const id = await person(30);
    await graph.api(`/users/${id}`).patch({ jobTitle: "After the bad one" });
    await eventually(
      "the change after it",
      () => target.row("people", id)?.["job_title"] === "After the bad one",
      WITHIN_MS,
    );
  });
});

test("Ctrl-C stops everything within 5 s and leaves no process behind", async () => {
  const second = await startFollowing(["--people", "20"]);
  const pids = Object.values(
    JSON.parse(readFileSync(path.join(second.data, "processes.json"), "utf8")) as Record<
      string,
      number
    >,
  );
  expect(pids.length).toBeGreaterThanOrEqual(6);
  const stopped = await Promise.race([second.stop(), sleep(5_000, undefined, { ref: false })]);
  expect(stopped).toMatchObject({ code: 0 });
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  expect(existsSync(path.join(second.data, "endpoints.json"))).toBe(false);
});
