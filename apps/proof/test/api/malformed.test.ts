import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Problem } from "@postern/contracts";
import { type ApiServer, branch, type Reply, startApiServer } from "../scenes/api-server";

let api: ApiServer;
let everyone: string;
let jobPath: string;

const testJob = (more: object = {}): object => ({
  kind: "target.test",
  group: "main",
  parameters: { target: "hr-db" },
  ...more,
});
const heartbeat = (more: object = {}): object => ({
  group: "main",
  branch,
  host: "vm-1",
  version: "0.1.0",
  capabilities: [],
  startedAt: new Date().toISOString(),
  state: "running",
  targets: [],
  itemsFinished: 0,
  lanesHeld: 0,
  jobs: [],
  ...more,
});
const people = (more: object = {}): object => ({
  id: "people",
  group: "main",
  target: "hr-db",
  users: { object: "people", key: { id: "id" }, columns: { upn: "userPrincipalName" } },
  ...more,
});

const post = (path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply> =>
  api.request("POST", path, {
    token: everyone,
    body,
    ...(headers === undefined ? {} : { headers }),
  });
const get = (path: string): Promise<Reply> => api.request("GET", path, { token: everyone });

beforeAll(async () => {
  api = await startApiServer();
  everyone = await api.token(["Reader", "Operator", "TargetAdmin", "Approver", "Agent"]);
  const made = await post("jobs", testJob());
  expect(made.status).toBe(202);
  const defined = await put(
    people({
      groups: { object: "teams", key: { id: "id" } },
      memberships: { object: "team_members", key: { team: "groupId", member: "memberId" } },
    }),
  )();
  expect([defined.status, defined.text]).toEqual([201, defined.text]);
  jobPath = made.headers.get("location")?.replace(/^\/api\//, "") ?? "";
});
afterAll(() => api.close());

interface Malformed {
  readonly name: string;
  readonly send: () => Promise<Reply>;
  readonly status: number;
  readonly code?: string;
  /** Must occur in the problem: what is wrong, and where. */
  readonly says: readonly string[];
}

const invalid = (name: string, send: () => Promise<Reply>, ...says: string[]): Malformed => ({
  name,
  send,
  status: 400,
  code: "request-invalid",
  says,
});
const jobText = (text: string | Uint8Array) => () => post("jobs", text);
const put = (body: unknown, headers?: Record<string, string>) => () =>
  api.request("PUT", "syncs/people", {
    token: everyone,
    body,
    ...(headers === undefined ? {} : { headers }),
  });
const beat =
  (more: object, id = "agent-9") =>
  () =>
    post(`agents/${id}/heartbeat`, heartbeat(more));
const continuation = (list: string, next: string): string =>
  Buffer.from(JSON.stringify([list, next])).toString("base64url");
const yaml = { "content-type": "application/yaml" };

const malformed: readonly Malformed[] = [
  invalid("an empty body", jobText(""), "$", "a body is required"),
  invalid("text", jobText("hello"), "line 1, column 1", "expected a value"),
  invalid("half an object", jobText('{"kind":\n "target.test",'), "line 2, column 16", "key"),
  invalid("a trailing comma", jobText('{"kind": "target.test",}'), "line 1, column 24"),
  invalid("two documents", jobText("{} {}"), "line 1, column 4", "end of the document"),
  invalid("a key twice", jobText('{"kind":"target.test","kind":"x"}'), "'kind' appears twice"),
  invalid("__proto__", jobText('{"__proto__":{"kind":"target.test"}}'), "__proto__"),
  invalid("depth", jobText(`${"[".repeat(5_000)}`), "32 levels"),
  invalid("bytes that are not UTF-8", jobText(new Uint8Array([0x22, 0xff, 0xfe, 0x22])), "UTF-8"),
  invalid("null", jobText("null"), "$"),
  invalid("a list", jobText("[]"), "$"),
  invalid("no kind", () => post("jobs", {}), "$.kind"),
  invalid("an unknown kind", () => post("jobs", testJob({ kind: "format.disk" })), "$.kind"),
  invalid(
    "no parameters",
    () => post("jobs", { kind: "target.test", group: "main" }),
    "$.parameters",
  ),
  invalid(
    "an unknown key",
    () => post("jobs", testJob({ timoutSeconds: 5 })),
    "$.timoutSeconds",
    "did you mean 'timeoutSeconds'",
  ),
  invalid(
    "a timeout of no time",
    () => post("jobs", testJob({ timeoutSeconds: 0 })),
    "$.timeoutSeconds",
  ),
  invalid(
    "a timeout of a week",
    () => post("jobs", testJob({ timeoutSeconds: 604_800 })),
    "$.timeoutSeconds",
  ),
  invalid(
    "a fraction of a second",
    () => post("jobs", testJob({ timeoutSeconds: 1.5 })),
    "$.timeoutSeconds",
  ),
  invalid(
    "an unknown group",
    () => post("jobs", testJob({ group: "mian" })),
    "$.group",
    "'main', 'plant'",
    "did you mean 'main'",
  ),
  invalid(
    "a group with a path in it",
    () => post("jobs", testJob({ group: "../main" })),
    "$.group",
  ),
  invalid(
    "another group's target",
    () => post("jobs", testJob({ parameters: { target: "mes" } })),
    "$.parameters.target",
    "'hr-db', 'crm'",
  ),
  invalid(
    "an unknown definition",
    () =>
      post("jobs", {
        kind: "sync.entities",
        group: "main",
        parameters: { definition: "nobody", entities: [{ type: "user", id: "a" }] },
      }),
    "$.parameters.definition",
    "nobody",
  ),
  invalid(
    "no entities",
    () =>
      post("jobs", {
        kind: "sync.entities",
        group: "main",
        parameters: { definition: "people", entities: [] },
      }),
    "$.parameters.entities",
  ),
  invalid(
    "101 entities",
    () =>
      post("jobs", {
        kind: "sync.entities",
        group: "main",
        parameters: {
          definition: "people",
          entities: Array.from({ length: 101 }, (_, index) => ({ type: "user", id: `u${index}` })),
        },
      }),
    "$.parameters.entities",
  ),
  invalid(
    "an entity of no type",
    () =>
      post("jobs", {
        kind: "sync.entities",
        group: "main",
        parameters: { definition: "people", entities: [{ type: "device", id: "a" }] },
      }),
    "$.parameters.entities[0].type",
  ),
  ...[
    ["user", "."],
    ["user", ".."],
    ["user", "a/b"],
    ["user", "\ud800"],
    ["group", " \u0000"],
    ["membership", "a"],
    ["membership", "../.."],
    ["membership", "a/b/c"],
  ].map(([type, id]) =>
    invalid(
      `an entity ${type} of id ${JSON.stringify(id)}`,
      () =>
        post("jobs", {
          kind: "sync.entities",
          group: "main",
          parameters: { definition: "people", entities: [{ type, id }] },
        }),
      "$.parameters.entities[0].id",
    ),
  ),
  invalid(
    "an empty idempotency key",
    () => post("jobs", testJob(), { "idempotency-key": "" }),
    "header.idempotency-key",
  ),
  invalid(
    "a key of 129 characters",
    () => post("jobs", testJob(), { "idempotency-key": "k".repeat(129) }),
    "header.idempotency-key",
  ),
  invalid(
    "a key with a space in it",
    () => post("jobs", testJob(), { "idempotency-key": "a b" }),
    "header.idempotency-key",
  ),
  invalid("a limit of none", () => get("jobs?limit=0"), "query.limit"),
  invalid("a limit of letters", () => get("jobs?limit=many"), "query.limit"),
  invalid("a limit beyond the most", () => get("jobs?limit=201"), "query.limit"),
  invalid(
    "a misspelt query parameter",
    () => get("jobs?limt=5"),
    "query.limt",
    "did you mean 'limit'",
  ),
  invalid("an unknown parameter", () => get("jobs?verbose=1"), "query.verbose"),
  invalid("a parameter twice", () => get("jobs?limit=1&limit=2"), "query.limit", "more than once"),
  invalid("a query for __proto__", () => get("jobs?__proto__=1"), "__proto__"),
  invalid("an invented continuation", () => get("jobs?continuation=abc"), "query.continuation"),
  invalid(
    "a continuation of another list",
    () => get(`jobs?continuation=${Buffer.from('["agents","a"]').toString("base64url")}`),
    "query.continuation",
  ),
  ...["cycles", "holds"].flatMap((list) =>
    ["garbage", "[{}]", "\u0000\n", "ключ"].map((next) =>
      invalid(
        `a continuation of ${list} made of ${JSON.stringify(next)}`,
        () => get(`syncs/people/${list}?continuation=${continuation(`${list} of people`, next)}`),
        "query.continuation",
      ),
    ),
  ),
  invalid("a query on a route without one", () => get(`${jobPath}?full=1`), "query.full"),
  invalid("a malformed job id", () => get("jobs/a%20b"), "path.id"),
  invalid("an unknown state of dead letters", () => get("deadletters?state=gone"), "query.state"),
  invalid("an unknown state of parked messages", () => get("parked?state=gone"), "query.state"),
  invalid("a definition id in capitals", () => get("syncs/People"), "path.id"),
  invalid(
    "a definition whose id is not the path's",
    put(people({ id: "others" })),
    "$.id",
    "people",
  ),
  {
    name: "a definition for an unknown group",
    send: put(people({ group: "nowhere" })),
    status: 400,
    code: "definition-invalid",
    says: ["$.group", "main, plant"],
  },
  {
    name: "a definition for an unknown target",
    send: put(people({ target: "mes" })),
    status: 400,
    code: "definition-invalid",
    says: ["$.target", "hr-db, crm"],
  },
  {
    name: "an expression that cannot be read",
    send: put(people({ users: { object: "people", key: { id: "id +" } } })),
    status: 400,
    code: "expression-invalid",
    says: ["$.users.key.id"],
  },
  invalid(
    "a definition that maps nothing",
    put(people({ users: undefined })),
    "at least one of users, groups, memberships",
  ),
  invalid(
    "a misspelt mapping",
    put(people({ memberhips: {} })),
    "$.memberhips",
    "did you mean 'memberships'",
  ),
  invalid(
    "a mapping without a key",
    put(people({ users: { object: "people", key: {} } })),
    "$.users.key",
  ),
  invalid(
    "a table name with SQL in it",
    put(people({ users: { object: "x; drop table y", key: { id: "id" } } })),
    "$.users.object",
  ),
  invalid("YAML that breaks", put("id: people\ngroup: [main\n", yaml), "line 3"),
  invalid("YAML with a key twice", put("id: people\nid: others\n", yaml), "line 2", "unique"),
  invalid("YAML of two documents", put("id: people\n---\nid: others\n", yaml), "YAML"),
  invalid(
    "YAML aliases that explode",
    put(
      `a: &a [${"x,".repeat(20)}x]\nb: &b [${"*a,".repeat(20)}*a]\nc: [${"*b,".repeat(20)}*b]\n`,
      yaml,
    ),
    "aliases",
  ),
  invalid("an If-Match without quotes", put(people(), { "if-match": "abc" }), "header.if-match"),
  invalid(
    "a heartbeat of nothing",
    () => post("agents/agent-9/heartbeat", {}),
    "$.group",
    "$.host",
  ),
  invalid("a heartbeat from another branch", beat({ branch: "south" }), "$.branch", "north"),
  invalid(
    "a heartbeat for an unknown group",
    beat({ group: "mains" }),
    "$.group",
    "did you mean 'main'",
  ),
  invalid("a heartbeat with an invalid date", beat({ startedAt: "yesterday" }), "$.startedAt"),
  invalid(
    "a heartbeat with 1,001 jobs",
    beat({ jobs: Array.from({ length: 1_001 }, () => ({ jobId: "j1", attempt: 1 })) }),
    "$.jobs",
  ),
  invalid("an agent id with a slash", beat({}, "a%2Fb"), "path.id"),
  invalid("a lease without an agent", () => post(`${jobPath}/attempts`, {}), "$.agent"),
  ...["", " ", "a/b", "a?b", "a#b", "a\\b", "..", "\ud800"].map((id) =>
    invalid(
      `a release of a hold called ${JSON.stringify(id)}`,
      () => post("syncs/people/holds/release", { reason: "x", holds: ["user:u@1", id] }),
      "$.holds[1]",
    ),
  ),
  invalid(
    "a release for a reason of spaces",
    () => post("syncs/people/holds/release", { reason: "  " }),
    "$.reason",
    "say why",
  ),
  invalid("a release without a reason", () => post("syncs/people/holds/release", {}), "$.reason"),
  {
    name: "a body over the limit",
    send: () => post("jobs", testJob({ note: "x".repeat(70_000) })),
    status: 413,
    code: "body-too-large",
    says: ["65536 bytes"],
  },
  {
    name: "a chunked body over the limit",
    // Under what the host itself refuses, which gives no problem details.
    send: () => post("syncs/people/holds/release", "x".repeat(600_000)),
    status: 413,
    code: "body-too-large",
    says: ["524288"],
  },
  {
    name: "no content type",
    send: () => post("jobs", JSON.stringify(testJob()), { "content-type": "" }),
    status: 415,
    code: "media-type-unsupported",
    says: ["application/json"],
  },
  {
    name: "a form",
    send: () =>
      post("jobs", "kind=target.test", { "content-type": "application/x-www-form-urlencoded" }),
    status: 415,
    code: "media-type-unsupported",
    says: ["application/json"],
  },
  {
    name: "YAML where JSON is read",
    send: () => post("jobs", "kind: target.test", yaml),
    status: 415,
    code: "media-type-unsupported",
    says: ["application/json"],
  },
  {
    name: "JSON in another character set",
    send: () => post("jobs", testJob(), { "content-type": "application/json; charset=utf-16" }),
    status: 415,
    code: "media-type-unsupported",
    says: ["UTF-8"],
  },
  {
    name: "a job that is not there",
    send: () => get("jobs/j000000000"),
    status: 404,
    code: "not-found",
    says: ["j000000000"],
  },
  {
    name: "a lease of a job that is not there",
    send: () => post("jobs/j000000000/attempts", { agent: "agent-9" }),
    status: 409,
    code: "conflict",
    says: ["agent-9", "heartbeat"],
  },
  {
    name: "a definition that is not there",
    send: () => get("syncs/nobody"),
    status: 404,
    code: "not-found",
    says: ["nobody"],
  },
  {
    name: "a path that is not there",
    send: () => get("job"),
    status: 404,
    code: "not-found",
    says: ["/api/jobs"],
  },
  {
    name: "a method that is not there",
    send: () => api.request("DELETE", "jobs", { token: everyone }),
    status: 405,
    code: "method-not-allowed",
    says: ["POST", "GET"],
  },
  {
    name: "a path that climbs",
    send: () => get("jobs/..%2f..%2fadmin"),
    status: 400,
    code: "request-invalid",
    says: ["path.id"],
  },
];

describe("a malformed request gets its own clear error and stops nothing", () => {
  test.each(malformed)("$name", async ({ send, status, code, says }) => {
    const reply = await send();
    expect([reply.status, reply.text.slice(0, 300)]).toEqual([status, expect.any(String)]);
    expect(reply.headers.get("content-type")).toBe("application/problem+json");
    const problem = Problem.parse(reply.json);
    expect(problem.code).toBe(code);
    expect(problem.traceId).toMatch(/^[0-9a-f]{32}$/);
    for (const word of says) expect(readable(reply.json)).toContain(word);
    // Nothing of the machinery shows.
    expect(reply.text).not.toMatch(/node_modules|at .*\.(js|ts):\d+|ZodError/);
    expect((await get(jobPath)).status).toBe(200);
  });

  test("the table holds at least forty of them", () => {
    expect(malformed.length).toBeGreaterThanOrEqual(40);
  });

  test("the method is named in Allow", async () => {
    const reply = await api.request("PATCH", jobPath, { token: everyone });
    expect(reply.headers.get("allow")).toBe("GET, HEAD");
  });
});

/** Quotes within JSON are escaped: what a person reads has none. */
function readable(json: unknown): string {
  return JSON.stringify(json).replaceAll('\\"', '"');
}
