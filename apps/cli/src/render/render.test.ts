import { describe, expect, test } from "@jest/globals";
import {
  AgentView,
  CycleView,
  DeadLetterView,
  JobView,
  ParkedView,
  SecurityEventView,
  SyncView,
} from "@postern/contracts";
import { SyncDefinition } from "@postern/contracts";
import type { View } from "../terminal";
import { agentsTable } from "./agents";
import { cycleFacts, cycleLine, cyclesTable } from "./cycles";
import { deadLettersTable, deadLetterText, resultsText } from "./dead-letters";
import { healthText } from "./health";
import { jobsTable, jobText } from "./jobs";
import { parkedTable, parkedText } from "./parked";
import { securityTable } from "./security";
import { holdsTable, syncsTable, syncText } from "./syncs";
import { widthOf } from "./text";

const now = Date.parse("2026-11-21T09:00:00.000Z");
const wide: View = { columns: 100, colours: false, now };
const narrow: View = { ...wide, columns: 64 };
const guid = "6e7b768e-07e2-4810-8459-485f84f8f204";

const event = SecurityEventView.parse({
  id: "20261121T085500000Z-0f0f0f0f0f0f0f0f0f0f0f0f",
  kind: "code-wrong",
  group: "main",
  at: "2026-11-21T08:55:00.000Z",
  queue: "results-main",
  agent: "vm-ghent-1",
  messageId: "people:1795248000017.03.0#0",
  detail: "the code is not that of the work which is named",
  pending: false,
});

const cycle = CycleView.parse({
  id: "c20261121T085500000",
  definition: "people",
  kind: "incremental",
  state: "running",
  startedAt: "2026-11-21T08:55:00.000Z",
  completedAt: null,
  durationMs: 300_000,
  streams: { users: "done", groups: "running" },
  read: 12_345,
  enqueued: 12_000,
  applied: 11_000,
  unchanged: 500,
  superseded: 3,
  held: 40,
  deadLettered: 2,
  cancelled: 0,
  outcomeUnknown: 0,
  waiting: 1,
  pending: 455,
});
const stalled = CycleView.parse({
  ...cycle,
  state: "stalled",
  stall: {
    reason: "continuation-lost",
    since: "2026-11-21T08:56:00.000Z",
    noticedAt: "2026-11-21T08:58:30.000Z",
    streams: ["groups"],
    action: "restarted",
    restarts: 2,
    restartedAt: "2026-11-21T08:59:00.000Z",
    waitsFor: null,
    detail: "Stream 'groups' is no longer being read; restarting it from the checkpoint, page 8.",
  },
});
const definition = SyncDefinition.parse({
  id: "people",
  description: "People and who leads them",
  group: "main",
  target: "hr-db",
  users: { object: "people", key: { id: "id" }, columns: { upn: "userPrincipalName" } },
  memberships: { object: "members", key: { g: "group.id", m: "member.id" } },
});
const sync = SyncView.parse({
  definition,
  etag: '"1"',
  lastCycle: cycle,
  inStep: false,
  heldItems: 40,
});
const idle = SyncView.parse({
  definition: { ...definition, id: "devices", enabled: false, memberships: undefined },
  etag: '"2"',
  lastCycle: null,
  inStep: true,
  heldItems: 0,
});
const letter = DeadLetterView.parse({
  id: `20261121T080000250Z-people:1795248000017.03.0_1.people:user:${guid}:1795248000017`,
  group: "main",
  state: "open",
  source: "results",
  by: "agent",
  code: "target-rejected",
  reason: "table 'people', column 'level' (integer): the text is not a whole number",
  definition: "people",
  target: "hr-db",
  entity: `user:${guid}`,
  itemId: `people:user:${guid}:1795248000017`,
  version: 1_795_248_000_017,
  messageId: "people:1795248000017.03.0#1",
  cycleId: "c20261121T080000000",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  attempts: [
    {
      at: "2026-11-21T08:00:00.000Z",
      agent: "vm-1",
      failure: "permanent",
      code: "target-rejected",
      reason: "column 'level': the text is not a whole number",
    },
  ],
  deliveryCount: 0,
  payload: '{"key":{"id":"text(36)"},"values":{"level":"text(5)"}}',
  payloadTruncated: false,
  deadLetteredAt: "2026-11-21T08:00:00.250Z",
  payloadShown: "redacted",
  actions: [
    {
      at: "2026-11-21T08:30:00.000Z",
      action: "replay",
      from: "open",
      to: "replayed",
      by: { oid: guid, azp: "cli", name: "ada@contoso.example" },
      reason: "ticket 4711",
      traceId: "0af7651916cd43dd8448eb211c80319c",
      messageId: "people:1795248000017.d-2c26b46b68ffc68ff99b453c#replay-1",
    },
    {
      at: "2026-11-21T08:30:05.000Z",
      action: "fail-again",
      from: "replayed",
      to: "open",
      by: null,
      reason: "column 'level': the text is not a whole number",
      traceId: null,
      messageId: "people:1795248000017.d-2c26b46b68ffc68ff99b453c#replay-1",
    },
  ],
  replay: {
    number: 1,
    messageId: "people:1795248000017.d-2c26b46b68ffc68ff99b453c#replay-1",
    at: "2026-11-21T08:30:00.000Z",
    superseded: false,
    scheduledAt: null,
    sentAt: "2026-11-21T08:30:00.100Z",
    claimedUntil: "2026-11-21T08:31:00.000Z",
  },
});
const parked = ParkedView.parse({
  id: "people:1767225600000.03.0_0",
  state: "parked",
  parkedAt: "2026-11-21T08:00:02.000Z",
  sentAt: null,
  group: "main",
  agent: "vm-1",
  target: "hr-db",
  lane: "people/03",
  messageId: "people:1767225600000.03.0#0",
  unreadType: "postern.sync.apply.v2",
  reason:
    "this agent reads postern.sync.apply.v1. Update an agent of the group to a newer version.",
  definition: "people",
  cycleId: "c20260101T080000000Z",
  version: 1_767_225_600_000,
  items: 2,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  payload: '{"messageId":"text(25)","changes":"list(0)"}',
  payloadShown: "redacted",
});
const job = JobView.parse({
  id: "j1hd4a9xqe0r8m2c5k7v3n6t1w9",
  kind: "target.test",
  group: "main",
  parameters: { target: "hr-db" },
  timeoutSeconds: 60,
  state: "failed",
  createdAt: "2026-11-21T08:59:00.000Z",
  createdBy: "ada@contoso.example",
  deadline: "2026-11-21T09:00:30.000Z",
  attempts: [
    {
      attempt: 1,
      agent: "vm-1",
      leasedAt: "2026-11-21T08:59:01.000Z",
      leaseUntil: "2026-11-21T08:59:36.000Z",
      endedAt: "2026-11-21T08:59:02.000Z",
    },
  ],
  result: {
    ok: false,
    code: "target-refused-login",
    detail: "The target refuses the password of user 'postern'",
    data: { latencyMs: 12 },
  },
});
const agent = (id: string, more: object = {}): AgentView =>
  AgentView.parse({
    id,
    group: "main",
    branch: "north",
    host: `${id}.north.contoso.example`,
    version: "0.1.0",
    capabilities: [],
    startedAt: "2026-11-21T07:00:00.000Z",
    state: "running",
    targets: [
      { name: "hr-db", connector: "sql", state: "reachable", probedAt: letter.deadLetteredAt },
    ],
    itemsFinished: 1_234_567,
    lanesHeld: 4,
    jobs: [],
    registeredAt: "2026-11-01T07:00:00.000Z",
    lastSeenAt: "2026-11-21T08:59:57.000Z",
    online: true,
    ...more,
  });
const agents = [
  agent("vm-1"),
  agent("vm-2", {
    online: false,
    lastSeenAt: "2026-11-18T08:00:00.000Z",
    targets: [
      { name: "hr-db", connector: "sql", state: "unreachable", probedAt: letter.deadLetteredAt },
    ],
  }),
];
const hold = {
  id: `user:${guid}`,
  definition: definition.id,
  entityType: "user" as const,
  entityId: guid,
  version: 1_795_248_000_017,
  cause: "delete",
  reason: "41 deletes in 24 h are more than max(5, min(500, 10 %)) = 40",
  heldAt: "2026-11-21T08:59:00.000Z",
};
const health = {
  status: "degraded" as const,
  version: "0.1.0",
  checks: [
    { name: "cosmos", ok: true, durationMs: 4.2 },
    {
      name: "service-bus",
      ok: false,
      detail: "queue 'sync-start' does not answer",
      durationMs: 5_000,
    },
  ],
};
const results = [
  { id: letter.id, outcome: "replayed" as const, messageId: "x", scheduledAt: null, detail: null },
  {
    id: "other",
    outcome: "refused" as const,
    messageId: null,
    scheduledAt: null,
    detail: "payload: is not JSON",
  },
];

const screens: Readonly<Record<string, (view: View) => string>> = {
  "syncs list": (view) => syncsTable([sync, idle], view),
  "syncs show": (view) => syncText(sync, view),
  "syncs holds": (view) => holdsTable([hold], view),
  "cycles list": (view) => cyclesTable([cycle], view),
  "cycles show": (view) => cycleFacts(cycle, view),
  "cycles show (stalled)": (view) => cycleFacts(stalled, view),
  "cycles watch (stalled)": (view) => cycleLine(stalled, view.columns === undefined),
  "jobs list": (view) => jobsTable([job], view),
  "jobs show": (view) => jobText(job, view),
  "agents list": (view) => agentsTable(agents, view),
  "dlq list": (view) => deadLettersTable([letter], view),
  "dlq show": (view) => deadLetterText(letter, view),
  "dlq replay": (view) => resultsText(results, view, { dryRun: false }),
  "parked list": (view) => parkedTable([parked], view),
  "parked show": (view) => parkedText(parked, view),
  "security list": (view) => securityTable([event], view),
  health: (view) => healthText(health, "https://north.example", view),
};

describe.each(Object.entries(screens))("postern %s", (_name, screen) => {
  test("fits 100 columns", () => {
    expect(`\n${screen(wide)}`).toMatchSnapshot();
  });

  test("has the same text with colours", () => {
    const coloured = screen({ ...wide, colours: true });
    // eslint-disable-next-line no-control-regex -- the colours
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(screen(wide));
    expect(screen(wide)).not.toContain("\u001b");
  });
});

test("tables fit a narrow terminal, and ids are never cut", () => {
  for (const name of ["syncs list", "syncs holds", "dlq list"]) {
    const lines = screens[name]?.(narrow).split("\n") ?? [];
    const rows = lines.filter((line) => !line.startsWith("  "));
    expect([name, Math.max(...rows.map(widthOf)) <= 64]).toEqual([name, true]);
  }
  expect(screens["dlq list"]?.(narrow)).toContain(letter.id);
});

test("text from the platform cannot control the terminal", () => {
  const hostile = { ...letter, reason: "a\u001b[2J\u001b]0;x\u0007b\r\nc\u009b31m" };
  const text = deadLettersTable([hostile], wide) + deadLetterText(hostile, wide);
  // eslint-disable-next-line no-control-regex -- all except line breaks
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});
