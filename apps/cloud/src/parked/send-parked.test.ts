import { expect, test } from "@jest/globals";
import {
  bodyHash,
  eventAttribute,
  eventProperties,
  type GroupName,
  type ParkedRecord,
  ParkedRecord as ParkedRecordSchema,
  provenProperties,
  type TargetName,
} from "@postern/contracts";
import { testKeys, testSigner } from "../../test/test-keys";
import type { OutgoingMessage } from "../ports/message-bus";
import type { ParkedPorts } from "./parked-ports";
import { sendParked } from "./send-parked";

const TYPE = "postern.sync.apply.v2";
const parkedAt = "2026-01-01T08:00:00.000Z";
const nowMs = Date.parse("2026-01-01T09:00:00.000Z");

function record(): ParkedRecord {
  const place = {
    tenant: "00000000-0000-4000-8000-000000000001",
    branch: "test",
    group: "main",
    target: "db",
    definition: "people",
    cycleId: "c20260101T000000000Z",
    version: 1_700_000_000_000,
    stream: "users",
    lane: "people/03",
  } as unknown as Parameters<typeof provenProperties>[1];
  const payload = JSON.stringify({ items: [] });
  const workMessageId = "people:1700000000000.03.0#0";
  const code = { messageId: workMessageId, type: TYPE, count: 1, bodyHash: bodyHash(payload) };
  return ParkedRecordSchema.parse({
    id: "people:1700000000000.03.0_0",
    state: "parked",
    parkedAt,
    sentAt: null,
    group: "main",
    agent: "old",
    target: "db",
    sessionId: "people/03",
    workMessageId,
    unreadType: TYPE,
    reason: "this agent reads postern.sync.apply.v1",
    properties: {
      ...eventProperties({ id: workMessageId, source: "/cloud", type: TYPE, time: parkedAt }),
      ...provenProperties(testSigner(), { ...place, ...code }),
    },
    payload,
  });
}

test("the copy has a time of its own: dead letters of both are told apart by it", async () => {
  const sent: OutgoingMessage[] = [];
  let waiting = [{ value: record(), etag: "1" }];
  const ports = {
    stamp: {
      tenant: "00000000-0000-4000-8000-000000000001",
      branch: "test",
      source: "/cloud",
      owner: "test",
      groups: [{ name: "main" as GroupName, targets: ["db" as TargetName] }],
    },
    clock: { now: () => nowMs },
    logger: { info: () => undefined, warn: () => undefined },
    workKeys: testKeys(),
    bus: {
      send: async (_: string, messages: readonly OutgoingMessage[]) => void sent.push(...messages),
    },
    parked: {
      waiting: async () => waiting.splice(0),
      replace: async () => {
        waiting = [];
        return true;
      },
    },
  } as unknown as ParkedPorts;
  expect(await sendParked(ports, "main" as GroupName, [TYPE])).toBe(1);
  const [copy] = sent;
  expect(copy?.messageId).toBe("people:1700000000000.03.0#0~p1");
  expect(eventAttribute(copy?.properties, "id")).toBe("people:1700000000000.03.0#0~p1");
  expect(eventAttribute(copy?.properties, "type")).toBe(TYPE);
  expect(eventAttribute(copy?.properties, "time")).toBe(new Date(nowMs).toISOString());
});
