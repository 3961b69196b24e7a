import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { CosmosClient } from "@azure/cosmos";
import {
  CycleAccepted,
  CycleView,
  databaseName,
  JobView,
  Problem,
  SyncView,
} from "@postern/contracts";
import { stringify } from "yaml";
import { type ApiServer, type Reply, startApiServer } from "../scenes/api-server";

let api: ApiServer;
let token: string;
beforeAll(async () => {
  api = await startApiServer();
  token = await api.token(["Reader", "Operator", "TargetAdmin", "Approver"]);
});
afterAll(() => api.close());

const call = (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> => api.request(method, path, { token, body, headers });

const people = (more: object = {}): object => ({
  id: "people",
  group: "main",
  target: "hr-db",
  users: { object: "people", key: { id: "id" }, columns: { upn: "userPrincipalName" } },
  ...more,
});

describe("PUT /api/syncs/{id}", () => {
  test("creates from JSON with 201, is the same again with 200, and shows where it stands", async () => {
    const created = await call("PUT", "syncs/people", people());
    expect([created.status, created.text]).toEqual([201, expect.any(String)]);
    const view = SyncView.parse(created.json);
    expect(view).toMatchObject({ inStep: false, heldItems: 0, definition: { enabled: true } });
    expect(created.headers.get("etag")).toBe(view.etag);
    expect((await call("PUT", "syncs/people", people())).status).toBe(200);
    const shown = await call("GET", "syncs/people");
    expect(shown.headers.get("etag")).toBe(SyncView.parse(shown.json).etag);
  });

  test("reads YAML, and means the same by it", async () => {
    const yaml = { "content-type": "application/yaml; charset=utf-8" };
    const created = await call("PUT", "syncs/by-yaml", stringify(people({ id: "by-yaml" })), yaml);
    expect(created.status).toBe(201);
    expect(SyncView.parse(created.json).definition).toMatchObject({
      users: { key: { id: "id" }, columns: { upn: "userPrincipalName" } },
    });
    expect((await call("PUT", "syncs/by-yaml", people({ id: "by-yaml" }))).status).toBe(200);
  });

  test("with If-Match replaces only what the caller has read", async () => {
    const id = "matched";
    const created = await call("PUT", `syncs/${id}`, people({ id }));
    const etag = created.headers.get("etag") ?? "";
    const change = (description: string, match: string): Promise<Reply> =>
      call("PUT", `syncs/${id}`, people({ id, description }), { "if-match": match });
    const settled = await call("GET", `syncs/${id}`);
    const current = settled.headers.get("etag") ?? "";
    expect(current).toBe(etag);
    expect((await change("first", current)).status).toBe(200);
    const late = await change("second", current);
    expect(Problem.parse(late.json)).toMatchObject({ status: 412, code: "precondition-failed" });
    const absent = await call("PUT", "syncs/absent", people({ id: "absent" }), { "if-match": "*" });
    expect(absent.status).toBe(412);
  });
});

describe("cycles", () => {
  test("POST starts one: 202, a Location that shows it, and its place in the list", async () => {
    const started = await call("POST", "syncs/people/cycles");
    expect(started.status).toBe(202);
    const { cycleId } = CycleAccepted.parse(started.json);
    const location = started.headers.get("location");
    expect(location).toBe(`/api/syncs/people/cycles/${cycleId}`);
    const shown = await call("GET", `syncs/people/cycles/${cycleId}`);
    expect(CycleView.parse(shown.json)).toMatchObject({ id: cycleId, definition: "people" });
    const listed = await call("GET", "syncs/people/cycles");
    const items = CycleView.array().parse(listed.json?.["items"]);
    expect(items.map(({ id }) => id)).toContain(cycleId);
  });

  test("are paged newest first, each once", async () => {
    for (let started = 0; started < 4; started += 1) await call("POST", "syncs/people/cycles");
    const seen: string[] = [];
    let continuation: string | null = null;
    do {
      const from = continuation === null ? "" : `&continuation=${continuation}`;
      const page = await call("GET", `syncs/people/cycles?limit=2${from}`);
      expect(page.status).toBe(200);
      seen.push(
        ...CycleView.array()
          .parse(page.json?.["items"])
          .map(({ id }) => id),
      );
      continuation = (page.json?.["continuation"] ?? null) as string | null;
    } while (continuation !== null);
    expect(seen.length).toBeGreaterThanOrEqual(5);
    expect(seen).toEqual([...new Set(seen)].toSorted().reverse());
  });

  test("of an unknown definition, and unknown ones, are 404", async () => {
    for (const [method, path] of [
      ["POST", "syncs/nobody/cycles"],
      ["GET", "syncs/nobody/cycles"],
      ["GET", "syncs/people/cycles/c0"],
      ["GET", "syncs/nobody/holds"],
    ] as const) {
      const reply = await call(method, path);
      expect([path, reply.status]).toEqual([path, 404]);
    }
  });

  test("a definition that is not enabled starts none", async () => {
    await call("PUT", "syncs/off", people({ id: "off", enabled: false }));
    expect(Problem.parse((await call("POST", "syncs/off/cycles")).json)).toMatchObject({
      status: 409,
    });
  });
});

test("GET /api/syncs pages through all definitions by id", async () => {
  const first = await call("GET", "syncs?limit=1");
  const rest = await call("GET", `syncs?continuation=${String(first.json?.["continuation"])}`);
  const items = [first, rest].flatMap(({ json }) => SyncView.array().parse(json?.["items"]));
  const ids = items.map(({ definition }) => definition.id);
  expect(ids).toEqual(ids.toSorted());
  expect(ids).toEqual(expect.arrayContaining(["by-yaml", "matched", "people"]));
});

test("who releases holds, which and why is in the audit trail", async () => {
  const release = (body: object): Promise<Reply> =>
    call("POST", "syncs/people/holds/release", body);
  const holds = ["user:u1@1795248000017", "group:g@2"];
  expect((await release({ reason: " ticket 4711 ", holds })).json).toEqual({ released: 0 });
  expect((await release({ reason: "ticket 4712" })).json).toEqual({ released: 0 });
  const cosmos = new CosmosClient({ endpoint: api.cosmos.endpoint, key: api.cosmos.key });
  const { resources } = await cosmos
    .database(databaseName)
    .container("audit")
    .items.query<unknown>("SELECT * FROM c WHERE c.action = 'releaseHolds' ORDER BY c.at")
    .fetchAll();
  cosmos.dispose();
  const entry = {
    subject: "syncs/people",
    decision: "allowed",
    actor: { oid: expect.any(String) },
  };
  expect(resources).toMatchObject([
    { ...entry, reason: "ticket 4711", change: { holds: holds.join(" ") } },
    { ...entry, reason: "ticket 4712", change: { holds: "all" } },
  ]);
});

test("holds: none to list, none to release", async () => {
  expect((await call("GET", "syncs/people/holds")).json).toEqual({ items: [], continuation: null });
  const released = await call("POST", "syncs/people/holds/release", { reason: "a test" });
  expect(released.json).toEqual({ released: 0 });
});

test("a sync.entities job names what it asks for, and what it may not ask for", async () => {
  const job = (parameters: object): Promise<Reply> =>
    call("POST", "jobs", { kind: "sync.entities", group: "main", parameters });
  const unmapped = await job({
    definition: "people",
    entities: [{ type: "membership", id: "a/b" }],
  });
  expect(Problem.parse(unmapped.json).errors).toEqual([
    {
      field: "$.parameters.entities[0].type",
      problem: "definition 'people' does not map entities of type 'membership'",
    },
  ]);
  const made = await job({ definition: "people", entities: [{ type: "user", id: "u1" }] });
  expect(made.status).toBe(202);
  expect(JobView.parse(made.json)).toMatchObject({ state: "queued", kind: "sync.entities" });
});

test("HEAD returns what GET returns, without a body", async () => {
  const reply = await call("HEAD", "syncs/people");
  expect([reply.status, reply.text]).toEqual([200, ""]);
  expect(reply.headers.get("etag")).not.toBeNull();
});
