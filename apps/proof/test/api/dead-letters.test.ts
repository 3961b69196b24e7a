import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  type DeadLetter,
  DeadLetterBatchReply,
  DeadLetterList,
  DeadLetterResult,
  DeadLetterView,
  Problem,
  type Role,
  WorkMessage,
} from "@postern/contracts";
import { type ApiServer, type Reply, startApiServer } from "../scenes/api-server";
import { eventually } from "../scenes/platform-run";
import { cycleId, DeadLetterScene, definition, people, version } from "../scenes/dead-letter-scene";

let api: ApiServer;
let scene: DeadLetterScene;
const tokens = new Map<string, string>();
const ITEMS = 1_000;

beforeAll(async () => {
  api = await startApiServer();
  scene = await DeadLetterScene.set(api, { items: ITEMS });
  const grant = async (name: string, roles: Role[]): Promise<void> => {
    tokens.set(name, await api.token(roles, name));
  };
  await Promise.all([grant("ops", ["Operator"]), grant("reader", ["Reader"])]);
});
afterAll(async () => {
  await scene.close();
  await api.close();
});

const why = { reason: "ticket 4711: the column is wide enough now" };
const path = ({ id }: { id: string }): string => `deadletters/${encodeURIComponent(id)}`;
const as = (
  caller: string,
  method: string,
  route: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> => api.request(method, route, { token: tokens.get(caller), body, headers });
const replay = (letter: { id: string }, body: unknown = why, headers?: Record<string, string>) =>
  as("ops", "POST", `${path(letter)}/replay`, body, headers);
const discard = (letter: { id: string }, body: unknown = why, headers?: Record<string, string>) =>
  as("ops", "POST", `${path(letter)}/discard`, body, headers);
const many = async (verb: string, body: object): Promise<DeadLetterBatchReply> => {
  const reply = await as("ops", "POST", `deadletters/${verb}`, { ...why, ...body });
  expect([reply.status, reply.text]).toEqual([200, reply.text]);
  return DeadLetterBatchReply.parse(reply.json);
};
const problemOf = (reply: Reply): Problem => Problem.parse(reply.json);
const counts = async () => {
  const { deadLettered, applied, superseded, pending } = await scene.cycle();
  return { deadLettered, applied, superseded, pending };
};
const change = (before: Record<string, unknown>, after: Record<string, unknown>) =>
  Object.fromEntries(
    Object.keys(after).map((name) => [name, Number(after[name]) - Number(before[name])]),
  );

describe("showing", () => {
  test("shows types and lengths, and in full only to an operator who asks, which is audited", async () => {
    const letter = await scene.letter();
    const shown = await as("reader", "GET", path(letter));
    const view = DeadLetterView.parse(shown.json);
    expect(view).toMatchObject({
      id: letter.id,
      payloadShown: "redacted",
      actions: [],
      replay: null,
    });
    expect(JSON.parse(view.payload)).toMatchObject({
      itemId: letter.itemId,
      object: "people",
      key: { id: "text(36)" },
      values: { upn: "text(52)", level: "number" },
    });
    expect(shown.text).not.toContain("@contoso");
    const listed = await as("ops", "GET", "deadletters?limit=1");
    expect(DeadLetterList.parse(listed.json).items).toHaveLength(1);
    expect(listed.text).not.toContain("@contoso");

    const refused = await as("reader", "GET", `${path(letter)}?payload=full`);
    expect([refused.status, problemOf(refused).code]).toEqual([403, "not-authorised"]);
    const full = await as("ops", "GET", `${path(letter)}?payload=full`);
    expect(DeadLetterView.parse(full.json)).toMatchObject({
      payloadShown: "full",
      payload: letter.payload,
    });
    expect(await scene.audit(letter.id)).toMatchObject([
      { action: "readDeadLetterPayload", actor: { azp: "ops" }, decision: "allowed" },
    ]);
    expect((await as("reader", "GET", "deadletters/none")).status).toBe(404);
  });

  test("lists by state, code, definition, target and group", async () => {
    const letter = await scene.letter({ code: "target-conflict" });
    const found = await as(
      "reader",
      "GET",
      "deadletters?state=open&code=target-conflict&definition=people&target=hr-db&group=main",
    );
    expect(DeadLetterList.parse(found.json).items.map(({ id }) => id)).toEqual([letter.id]);
    const none = await as("reader", "GET", "deadletters?code=target-conflict&target=crm");
    expect(DeadLetterList.parse(none.json).items).toEqual([]);
  });
});

describe("replaying one", () => {
  test("sends the same item and version under a new message id, once, and says who and why", async () => {
    const letter = await scene.letter();
    const before = await counts();
    const reply = await replay(letter);
    expect([reply.status, reply.text]).toEqual([200, reply.text]);
    const result = DeadLetterResult.parse(reply.json);
    expect(result).toMatchObject({ outcome: "replayed", scheduledAt: null });
    expect(result.messageId).toMatch(/#replay-1$/);
    const [message, ...others] = await scene.sent(result.messageId ?? "?");
    expect(others).toEqual([]);
    const work = WorkMessage.parse(message?.body);
    expect(work.items).toEqual([JSON.parse(letter.payload)]);
    expect([work.version, work.messageId, work.attempts]).toEqual([
      version,
      result.messageId,
      undefined,
    ]);
    expect(change(before, await counts())).toMatchObject({ deadLettered: -1, pending: 1 });

    const view = DeadLetterView.parse((await as("reader", "GET", path(letter))).json);
    expect(view).toMatchObject({
      state: "replayed",
      replay: { number: 1, messageId: result.messageId, superseded: false },
      actions: [
        { action: "replay", from: "open", to: "replayed", by: { azp: "ops" }, reason: why.reason },
      ],
    });
    expect(view.replay?.sentAt).not.toBeNull();
    expect(await scene.audit(letter.id)).toMatchObject([
      {
        action: "replayDeadLetter",
        actor: { azp: "ops" },
        reason: why.reason,
        change: { from: "open", to: "replayed", messageId: result.messageId },
      },
    ]);

    const again = DeadLetterResult.parse((await replay(letter)).json);
    expect(again).toMatchObject({ outcome: "already-replayed", messageId: result.messageId });
    await scene.report(letter, result.messageId ?? "", { outcome: "applied" });
    expect(change(before, await counts())).toMatchObject({
      deadLettered: -1,
      applied: 1,
      pending: 0,
    });
  });

  test("opens its cycle for the cycle watch again, which had closed it", async () => {
    const letter = await scene.letter();
    const document = scene.container("progress").item(`cycle:${cycleId}`, definition);
    const set = { op: "set", path: "/closedAt", value: "2026-11-21T10:00:00.000Z" } as const;
    await document.patch([set]);
    const { messageId } = DeadLetterResult.parse((await replay(letter)).json);
    expect((await document.read<Record<string, unknown>>()).resource).toMatchObject({
      closedAt: null,
    });
    await scene.report(letter, messageId ?? "", { outcome: "applied" });
  });

  test("twenty concurrent replays send one message, write one audit entry and count once", async () => {
    const letter = await scene.letter();
    const before = await counts();
    const replies = await Promise.all(Array.from({ length: 20 }, () => replay(letter)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    const results = replies.map(({ json }) => DeadLetterResult.parse(json));
    expect(results.filter(({ outcome }) => outcome === "replayed")).toHaveLength(1);
    expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(1);
    expect(await scene.sent(results[0]?.messageId ?? "?")).toHaveLength(1);
    expect(await scene.audit(letter.id)).toHaveLength(1);
    expect(change(before, await counts())).toMatchObject({ deadLettered: -1, pending: 1 });
  });

  test("what fails again is open again, with its attempts, and is replayed under the next number", async () => {
    const letter = await scene.letter();
    const before = await counts();
    const first = DeadLetterResult.parse((await replay(letter)).json);
    await scene.report(letter, first.messageId ?? "", {
      outcome: "dead-lettered",
      code: "target-conflict",
      reason: "another row has this upn",
    });
    expect(await scene.stored(letter)).toMatchObject({
      state: "open",
      code: "target-conflict",
      reason: "another row has this upn",
      actions: [{ action: "replay" }, { action: "fail-again", by: null, to: "open" }],
    });
    expect((await scene.stored(letter))?.ttl).toBeUndefined();
    expect(change(before, await counts())).toMatchObject({ deadLettered: 0, pending: 0 });
    const second = DeadLetterResult.parse((await replay(letter)).json);
    expect(second.messageId).toBe(first.messageId?.replace("#replay-1", "#replay-2"));
    // The first failure, reported once more: it neither opens the letter nor creates another.
    const late = { outcome: "dead-lettered", code: "x", reason: "late" } as const;
    await scene.report(letter, first.messageId ?? "", late);
    await scene.report(letter, second.messageId ?? "", { outcome: "unchanged" });
    expect(await scene.stored(letter)).toMatchObject({ state: "replayed" });
    expect(await counts()).toMatchObject({
      deadLettered: Number(before.deadLettered) - 1,
      pending: before.pending,
    });
    const listed = await as("ops", "GET", "deadletters?code=x");
    expect(DeadLetterList.parse(listed.json).items).toEqual([]);
  });

  test("a newer version in the index wins: nothing is sent, and it counts as superseded", async () => {
    const letter = await scene.letter();
    await scene.newer(letter, 1);
    const before = await counts();
    const reply = DeadLetterResult.parse((await replay(letter)).json);
    expect(reply).toMatchObject({ outcome: "superseded", messageId: null });
    expect(change(before, await counts())).toMatchObject({
      deadLettered: -1,
      superseded: 1,
      pending: 0,
    });
    expect(await scene.stored(letter)).toMatchObject({
      state: "replayed",
      replay: { superseded: true },
      actions: [{ action: "supersede" }],
    });
    expect(await scene.audit(letter.id)).toHaveLength(1);
    const own = await scene.letter();
    await scene.newer(own, 0);
    expect((await replay(own)).json).toMatchObject({ outcome: "replayed" });
  });

  const broken: readonly [
    string,
    Partial<DeadLetter> | ((letter: DeadLetter) => Partial<DeadLetter>),
    string,
  ][] = [
    ["a payload that is not JSON", { payload: "{" }, "payload"],
    ["a payload that is no item", { payload: "{}" }, "payload.itemId"],
    ["a payload cut short", { payloadTruncated: true }, "payload"],
    ["a message without an item", { itemId: null, entity: null }, "itemId"],
    ["an entity that no mapping could map", { itemId: null }, "itemId"],
    ["a definition that is gone", { definition: "nobody" }, "definition"],
    ["another target than the definition's", { target: "crm" }, "target"],
    [
      "values that the hash does not fit",
      ({ payload }) => ({ payload: payload.replace('"level":7', '"level":8') }),
      "payload.hash",
    ],
    [
      "a column that is no longer mapped",
      ({ payload }) => ({ payload: payload.replace('"level":7', '"rank":7') }),
      "users.rank",
    ],
  ];
  test.each(broken)(
    "%s is refused with the way out, audited, and stays open",
    async (_, more, field) => {
      const draft = await scene.letter();
      const flaw = typeof more === "function" ? more(draft) : more;
      const letter = { ...draft, ...flaw };
      await scene.container("deadletters").items.upsert(letter);
      const reply = await replay(letter);
      expect([reply.status, problemOf(reply).code]).toEqual([409, "replay-refused"]);
      const found = problemOf(reply).errors?.find((error) => error.field === field);
      expect(found?.hint).toMatch(/\w+/);
      expect(await scene.stored(letter)).toMatchObject({ state: "open" });
      expect(await scene.audit(letter.id)).toMatchObject([{ decision: "denied", status: 409 }]);
    },
  );

  test("needs a reason, and an If-Match that still fits", async () => {
    const letter = await scene.letter();
    for (const body of [{}, { reason: "" }, { reason: "  " }]) {
      const reply = await replay(letter, body);
      expect([reply.status, problemOf(reply).errors?.[0]?.field]).toEqual([400, "$.reason"]);
    }
    const etag = (await as("ops", "GET", path(letter))).headers.get("etag") ?? "";
    const stale = await replay(letter, why, { "if-match": '"stale"' });
    expect([stale.status, problemOf(stale).code]).toEqual([412, "precondition-failed"]);
    expect((await replay(letter, why, { "if-match": etag })).status).toBe(200);
  });
});

describe("discarding", () => {
  test("closes it with who and why, for good, and its cycle goes on counting it", async () => {
    const letter = await scene.letter();
    const before = await counts();
    expect((await discard(letter)).json).toMatchObject({ outcome: "discarded" });
    expect(await scene.stored(letter)).toMatchObject({
      state: "discarded",
      actions: [{ action: "discard", by: { azp: "ops" }, reason: why.reason }],
    });
    expect((await discard(letter)).json).toMatchObject({ outcome: "already-discarded" });
    expect(await scene.audit(letter.id)).toHaveLength(1);
    const refused = await replay(letter);
    expect([refused.status, problemOf(refused).code]).toEqual([409, "replay-refused"]);
    expect(await counts()).toEqual(before);
  });

  test("what was replayed cannot be discarded", async () => {
    const letter = await scene.letter();
    await replay(letter);
    const reply = await discard(letter);
    expect([reply.status, problemOf(reply).code]).toEqual([409, "conflict"]);
    expect(problemOf(reply).detail).toContain(why.reason);
  });

  test("of a concurrent replay and discard, one wins", async () => {
    for (let round = 0; round < 5; round += 1) {
      const letter = await scene.letter();
      await Promise.all([replay(letter), discard(letter)]);
      const stored = await scene.stored(letter);
      expect(stored?.actions).toHaveLength(1);
      const messages = await scene.sent(stored?.replay?.messageId ?? "nothing");
      expect(messages).toHaveLength(stored?.state === "replayed" ? 1 : 0);
    }
  });
});

describe("many", () => {
  test("a filter takes the oldest, spread over time, and says that there are more", async () => {
    const letters: DeadLetter[] = [];
    for (let n = 0; n < 120; n += 1) letters.push(await scene.letter({ code: "target-timeout" }));
    const filter = { code: "target-timeout", definition: "people" };
    const tried = await many("replay", { filter, limit: 110, dryRun: true });
    expect(tried.results.map(({ outcome }) => outcome)).toEqual(
      tried.results.map(() => "replayed"),
    );
    expect((await scene.stored(letters[0] as DeadLetter))?.state).toBe("open");

    const beganMs = Date.now();
    const done = await many("replay", { filter, limit: 110 });
    expect(done.more).toBe(true);
    expect(done.results.map(({ id }) => id).toSorted()).toEqual(
      letters.slice(0, 110).map(({ id }) => id),
    );
    const times = done.results
      .map(({ scheduledAt }) => (scheduledAt === null ? beganMs : Date.parse(scheduledAt)))
      .toSorted((a, b) => a - b);
    // 110 messages at 50 a second: the last leaves 2.18 s after the first.
    expect((times.at(-1) ?? 0) - beganMs).toBeGreaterThanOrEqual(2_180);
    const perSecond = times.map(
      (time) => times.filter((other) => other >= time && other < time + 1_000).length,
    );
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(51);
    const rest = await many("replay", { filter });
    expect([rest.results.length, rest.more]).toEqual([10, false]);
    const none = await many("replay", { filter });
    expect(none.results).toEqual([]);
    for (const letter of letters) expect(await scene.audit(letter.id)).toHaveLength(1);
  });

  test("a filter goes on after what was refused and stays open", async () => {
    const refused = [
      await scene.letter({ code: "outcome-unknown", payload: "{" }),
      await scene.letter({ code: "outcome-unknown", payload: "{" }),
    ];
    const good = await scene.letter({ code: "outcome-unknown" });
    const filter = { code: "outcome-unknown", definition: "people" };
    const first = await many("replay", { filter, limit: 2 });
    expect(first.results.map(({ id }) => id).toSorted()).toEqual(refused.map(({ id }) => id));
    expect(first).toMatchObject({ more: true, next: refused[1]?.id });
    const rest = await many("replay", { filter, limit: 2, after: first.next });
    expect(rest).toMatchObject({
      results: [{ id: good.id, outcome: "replayed" }],
      more: false,
      next: null,
    });
  });

  test("by ids, each with its own answer", async () => {
    const good = await scene.letter();
    const bad = await scene.letter({ payload: "{" });
    const gone = await scene.letter();
    await discard(gone);
    const ids = [good.id, bad.id, gone.id, "20261121T000000000Z-none"];
    const { results } = await many("replay", { ids });
    expect(Object.fromEntries(results.map(({ id, outcome }) => [id, outcome]))).toEqual({
      [good.id]: "replayed",
      [bad.id]: "refused",
      [gone.id]: "refused",
      "20261121T000000000Z-none": "not-found",
    });
    const closed = await many("discard", { ids: [good.id, bad.id] });
    expect(closed.results.map(({ outcome }) => outcome).toSorted()).toEqual([
      "discarded",
      "refused",
    ]);
  });

  test("a replay that was begun and not sent is sent by the next request, under the same id", async () => {
    const letter = await scene.letter({ code: "poison" });
    const sent = DeadLetterResult.parse((await replay(letter)).json);
    const stored = await scene.stored(letter);
    const lapsed = new Date(Date.now() - 1_000).toISOString();
    await scene.container("deadletters").items.upsert({
      ...stored,
      replay: { ...stored?.replay, sentAt: null, claimedUntil: lapsed },
    });
    const { results } = await many("replay", { filter: { code: "poison" } });
    expect(results).toMatchObject([{ outcome: "replayed", messageId: sent.messageId }]);
    expect(await scene.sent(sent.messageId ?? "?")).toHaveLength(1);
    expect(await scene.stored(letter)).toMatchObject({
      actions: [{ action: "replay" }, { action: "resend" }],
    });
  });

  test("must be named by ids or by a filter, not both", async () => {
    for (const body of [
      {},
      { ids: ["a"], filter: {} },
      { ids: [] },
      { ids: ["a"], limit: 1 },
      { ids: ["a"], after: "a" },
    ]) {
      const reply = await as("ops", "POST", "deadletters/replay", { ...why, ...body });
      expect(reply.status).toBe(400);
    }
    const typo = await as("ops", "POST", "deadletters/replay", { ...why, filter: { cod: "x" } });
    expect(problemOf(typo).errors?.[0]).toMatchObject({ field: "$.filter.cod" });
  });
});

describe("a replay that was begun and is not requested again", () => {
  const begin = async (
    letter: DeadLetter,
    failing: { readonly send: boolean },
  ): Promise<{ readonly messageId: string }> => {
    if (failing.send) api.serviceBus.faults.add({ kind: "refuse", operation: "send" });
    else api.cosmos.faults.add({ kind: "refuse", status: 503, resource: "*progress*" });
    expect((await replay(letter)).status).toBe(503);
    for (const { faults } of [api.cosmos, api.serviceBus]) faults.clear();
    const stored = await scene.stored(letter);
    expect(stored).toMatchObject({ state: "replayed", replay: { sentAt: null } });
    return { messageId: stored?.replay?.messageId ?? "?" };
  };
  const watched = async (letter: DeadLetter): Promise<DeadLetter> => {
    expect(await api.runNow("replayWatch")).toBe(202);
    return eventually("the watch has seen it", async () => {
      const stored = await scene.stored(letter);
      return stored?.state === "open" || stored?.replay?.sentAt !== null ? stored : undefined;
    });
  };
  const enable = async (enabled: boolean): Promise<void> => {
    const token = await api.token(["TargetAdmin"]);
    const body = { ...people, enabled };
    const put = await api.request("PUT", "syncs/people", {
      token,
      body,
      headers: { "if-match": "*" },
    });
    expect([put.status, put.text]).toEqual([200, put.text]);
  };
  afterEach(() => enable(true));

  test("is finished by the watch, in the name of who asked", async () => {
    const letter = await scene.letter();
    const before = await counts();
    const { messageId } = await begin(letter, { send: false });
    expect(await watched(letter)).toMatchObject({ state: "replayed", replay: { messageId } });
    expect(await scene.sent(messageId)).toHaveLength(1);
    expect(change(before, await counts())).toMatchObject({ deadLettered: -1, pending: 1 });
    expect(await scene.audit(letter.id)).toMatchObject([
      { action: "replayDeadLetter" },
      { action: "resendDeadLetter", actor: { azp: "ops" }, reason: why.reason },
    ]);
    await scene.report(letter, messageId, { outcome: "applied" });
  });

  test("counts its outcome when the agent reports first, even while its definition is disabled", async () => {
    const letter = await scene.letter();
    const before = await counts();
    const { messageId } = await begin(letter, { send: false });
    await scene.report(letter, messageId, { outcome: "applied" });
    await enable(false);
    expect(await watched(letter)).toMatchObject({ state: "replayed", actions: [{}] });
    expect(change(before, await counts())).toMatchObject({
      deadLettered: -1,
      applied: 1,
      pending: 0,
    });
  });

  test("is open again and says why when it can no longer be sent", async () => {
    const letter = await scene.letter();
    const before = await counts();
    await begin(letter, { send: true });
    await enable(false);
    expect(await watched(letter)).toMatchObject({
      state: "open",
      reason: expect.stringContaining("the sync definition 'people' is disabled"),
      actions: [{ action: "replay" }, { action: "fail-again", by: null }],
    });
    expect(await counts()).toEqual(before);
    await enable(true);
    const again = DeadLetterResult.parse((await replay(letter)).json);
    expect(again.messageId).toMatch(/#replay-2$/);
    await scene.report(letter, again.messageId ?? "", { outcome: "applied" });
    expect(change(before, await counts())).toMatchObject({ deadLettered: -1, applied: 1 });
  });
});

describe("while services fail", () => {
  const lapse = async (letter: DeadLetter): Promise<void> => {
    const stored = await scene.stored(letter);
    if (stored?.replay === undefined) return;
    const claimedUntil = new Date(Date.now() - 1_000).toISOString();
    const replay = { ...stored.replay, claimedUntil };
    await scene.container("deadletters").items.upsert<object>({ ...stored, replay });
  };

  test("what the broker does not take is sent by the next request, and audited twice", async () => {
    const letter = await scene.letter();
    const before = await counts();
    api.serviceBus.faults.add({ kind: "refuse", operation: "send" });
    const failed = await replay(letter);
    api.serviceBus.faults.clear();
    expect([failed.status, problemOf(failed).code]).toEqual([503, "dependency-unavailable"]);
    expect(await counts()).toEqual(before);
    const sent = DeadLetterResult.parse((await replay(letter)).json);
    expect(sent).toMatchObject({
      outcome: "replayed",
      messageId: expect.stringMatching(/#replay-1$/),
    });
    expect(await scene.sent(sent.messageId ?? "?")).toHaveLength(1);
    expect(await scene.audit(letter.id)).toMatchObject([
      { action: "replayDeadLetter" },
      { action: "resendDeadLetter" },
    ]);
    expect(change(before, await counts())).toMatchObject({ deadLettered: -1, pending: 1 });
  });

  test("nothing is sent that the audit trail does not take", async () => {
    const letter = await scene.letter();
    api.cosmos.faults.add({ kind: "refuse", status: 503, resource: "*audit*" });
    const failed = await replay(letter);
    api.cosmos.faults.clear();
    expect(failed.status).toBe(503);
    const stored = await scene.stored(letter);
    expect(await scene.sent(stored?.replay?.messageId ?? "?")).toEqual([]);
    expect((await replay(letter)).json).toMatchObject({ outcome: "replayed" });
  });

  test("with responses lost and connections cut at random, each is sent, counted and closed once", async () => {
    const letters: DeadLetter[] = [];
    for (let n = 0; n < 40; n += 1) letters.push(await scene.letter({ code: "target-busy" }));
    const before = await counts();
    api.cosmos.faults.add({ kind: "lose-reply", probability: 0.03 });
    api.cosmos.faults.add({ kind: "cut", probability: 0.03 });
    api.serviceBus.faults.add({ kind: "cut", operation: "send", times: 2 });
    // One only: the SDK waits ten seconds for each.
    api.serviceBus.faults.add({ kind: "lose-reply", operation: "send", times: 1, after: 3 });
    const filter = { code: "target-busy" };
    for (let round = 0; round < 2; round += 1) {
      const body = { ...why, filter, limit: 25 };
      await Promise.all([
        as("ops", "POST", "deadletters/replay", body),
        as("ops", "POST", "deadletters/replay", body),
      ]);
    }
    for (const { faults } of [api.cosmos, api.serviceBus]) faults.clear();
    for (const letter of letters) await lapse(letter);
    await many("replay", { filter, limit: 100 });
    expect((await many("replay", { filter, limit: 100 })).results).toEqual([]);
    for (const letter of letters) {
      const stored = await scene.stored(letter);
      expect(stored).toMatchObject({ state: "replayed", replay: { number: 1 } });
      expect(await scene.sent(stored?.replay?.messageId ?? "?")).toHaveLength(1);
      const audited = await scene.audit(letter.id);
      expect(audited.length).toBe(stored?.actions?.length);
    }
    expect(change(before, await counts())).toMatchObject({ deadLettered: -40, pending: 40 });
  }, 120_000);
});
