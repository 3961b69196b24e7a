import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ParkedList, ParkedView, Problem, type Role } from "@postern/contracts";
import { type ApiServer, type Reply, startApiServer } from "../scenes/api-server";
import { cycleId, DeadLetterScene, definition, version } from "../scenes/dead-letter-scene";

let api: ApiServer;
let scene: DeadLetterScene;
beforeAll(async () => {
  api = await startApiServer();
  scene = await DeadLetterScene.set(api, { items: 2 });
});
afterAll(async () => {
  await scene.close();
  await api.close();
});

const callers = { reader: ["Reader"], ops: ["Operator"], agents: ["Agent"] } as const;
async function as(who: keyof typeof callers, route: string): Promise<Reply> {
  const roles: readonly Role[] = callers[who];
  return api.request("GET", route, { token: await api.token(roles, who) });
}

test("a parked message shows what it waits for; types and lengths of its payload, in full to an operator, audited", async () => {
  const record = await scene.parked();
  const shown = await as("reader", `parked/${record.id}`);
  const view = ParkedView.parse(shown.json);
  expect(view).toMatchObject({
    ...{ id: record.id, state: "parked", sentAt: null, group: "main", target: "hr-db" },
    ...{ lane: "people/00", messageId: record.workMessageId, items: 2 },
    ...{ unreadType: "postern.sync.apply.v2", definition, cycleId, version },
    payloadShown: "redacted",
  });
  expect(JSON.parse(view.payload)).toEqual({
    messageId: `text(${record.workMessageId.length})`,
    changes: [{ upn: "text(19)" }],
  });
  expect(shown.text).not.toContain("@contoso");

  const refused = await as("reader", `parked/${record.id}?payload=full`);
  expect([refused.status, Problem.parse(refused.json).code]).toEqual([403, "not-authorised"]);
  const full = await as("ops", `parked/${record.id}?payload=full`);
  expect(ParkedView.parse(full.json)).toMatchObject({
    payload: record.payload,
    payloadShown: "full",
  });
  expect(await scene.audit(record.id)).toMatchObject([
    { action: "readParkedPayload", actor: { azp: "ops" }, decision: "allowed" },
  ]);
  expect((await as("reader", "parked/none")).status).toBe(404);
  expect((await as("agents", `parked/${record.id}`)).status).toBe(403);
});

test("a message without properties is shown too", async () => {
  const { id } = await scene.parked({ properties: { "cloudEvents:traceparent": "none" } });
  expect(ParkedView.parse((await as("reader", `parked/${id}`)).json)).toMatchObject({
    ...{ definition: null, cycleId: null, version: null, items: null, traceparent: null },
  });
});

test("the list filters by state, group and target, pages, and shows no personal data", async () => {
  const crm = await scene.parked({ target: "crm" as ParkedView["target"] });
  const sent = await scene.parked({
    ...{ target: "crm" as ParkedView["target"], state: "sent" },
    sentAt: "2026-11-21T09:00:00.000Z",
  });
  const idsOf = async (query: string): Promise<string[]> => {
    const reply = await as("reader", `parked?${query}`);
    expect(reply.text).not.toContain("@contoso");
    return ParkedList.parse(reply.json).items.map(({ id }) => id);
  };
  expect(await idsOf("target=crm&group=main&state=parked")).toEqual([crm.id]);
  expect(await idsOf("target=crm")).toEqual([crm.id, sent.id].sort());
  expect(await idsOf("group=plant")).toEqual([]);

  const first = ParkedList.parse((await as("reader", "parked?target=crm&limit=1")).json);
  const next = `parked?target=crm&limit=1&continuation=${first.continuation ?? ""}`;
  const second = ParkedList.parse((await as("reader", next)).json);
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual([crm.id, sent.id].sort());
  expect(second.continuation).toBeNull();
});
