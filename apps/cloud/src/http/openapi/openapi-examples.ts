import type { OperationId } from "@postern/contracts";

/** Bodies that a reader of the document can send and get as they are. A test holds each against its schema. */
export const openApiExamples: Readonly<
  Partial<Record<string, { readonly request?: unknown; readonly response?: unknown }>>
> = {
  createJob: {
    request: {
      kind: "sync.entities",
      group: "main",
      parameters: {
        definition: "people",
        entities: [{ type: "user", id: "6e7b768e-07e2-4810-8459-485f84f8f204" }],
      },
    },
    response: {
      id: "j1hd4a9xqe0r8m2c5k7v3n6t1w9",
      kind: "sync.entities",
      group: "main",
      parameters: {
        definition: "people",
        entities: [{ type: "user", id: "6e7b768e-07e2-4810-8459-485f84f8f204" }],
      },
      timeoutSeconds: 300,
      state: "queued",
      createdAt: "2026-01-31T08:00:00.000Z",
      createdBy: "ada@example.com",
      deadline: "2026-01-31T08:05:00.000Z",
      attempts: [],
      result: null,
    },
  },
  leaseAttempt: {
    request: { agent: "worker-1" },
    response: {
      attempt: 1,
      agent: "worker-1",
      leasedAt: "2026-01-31T08:00:00.120Z",
      leaseUntil: "2026-01-31T08:00:35.120Z",
      endedAt: null,
      proof: {
        key: "0123456789abcdef0123456789abcdef",
        at: "2026-01-31T08:00:00.120Z",
        code: "ExampleExampleExampleExampleExampleExample1",
      },
    },
  },
  putSync: {
    request: {
      id: "people",
      group: "main",
      target: "hr-db",
      users: {
        object: "people",
        key: { id: "id" },
        columns: {
          upn: "userPrincipalName",
          display_name: "displayName",
          enabled: { from: "accountEnabled", type: "boolean", breaker: true },
        },
      },
    },
  },
  releaseHolds: {
    request: { reason: "Ticket 4711: the department was closed" },
    response: { released: 12 },
  },
  replayDeadLetters: {
    request: {
      reason: "Ticket 4711: the column is wide enough now",
      filter: { code: "target-rejected", definition: "people" },
      limit: 500,
    },
    response: {
      dryRun: false,
      results: [
        {
          id: "20260131T080005250Z-people:1769846400017.03.0_1.people:user:87d349ed",
          outcome: "replayed",
          messageId: "people:1769846400017.d-2c26b46b68ffc68ff99b453c#replay-1",
          scheduledAt: null,
          detail: null,
        },
      ],
      more: false,
    },
  },
  heartbeat: {
    request: {
      group: "main",
      branch: "north",
      host: "vm-north-1",
      version: "0.1.0",
      capabilities: ["postern.sync.apply.v1"],
      startedAt: "2026-01-31T07:00:00.000Z",
      state: "running",
      targets: [
        {
          name: "hr-db",
          connector: "sql",
          state: "reachable",
          probedAt: "2026-01-31T07:59:55.000Z",
        },
      ],
      itemsFinished: 1200,
      lanesHeld: 4,
      jobs: [],
    },
    response: { cancellations: [], nextHeartbeatMs: 10_000 },
  },
} satisfies Partial<Record<OperationId, object>>;
