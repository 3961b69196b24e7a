/** Parked messages, dead letters and job results of a hostile agent. */
import {
  type AgentId,
  bodyHash,
  eventProperties,
  type JobId,
  type JobResultMessage,
  leaseCode,
  type LeaseFacts,
  type LeaseProof,
  type MessageId,
  type ParkedMessage,
  posternProperties,
  type SecurityEventKind,
  type TargetName,
  WORK_MESSAGE_TYPE,
} from "@postern/contracts";
import type { WorkKey } from "@postern/cloud";
import type { SeededRandom } from "../../kit/seeded-random";
import { annexPlace, place } from "../plan/sim-definition";
import { inventedCode } from "./forged-results";
import type { Knowledge, Taken } from "./knowledge";

export interface Forged<T> {
  readonly message: T;
  /** Any of these; none: it proves itself, or is not looked at. */
  readonly expected: readonly SecurityEventKind[];
}

type Properties = Record<string, string | number>;

/** As an honest agent of an older version would park it. */
export function truthfullyParked({
  message,
  work,
}: Taken): Omit<ParkedMessage, "messageId" | "at"> {
  const { tenant, branch, group } = annexPlace;
  return {
    ...{ tenant, branch, group },
    agent: "intruder" as AgentId,
    target: work.target,
    sessionId: message.sessionId,
    workMessageId: message.messageId as MessageId,
    unreadType: WORK_MESSAGE_TYPE,
    reason: "so it says",
    properties: message.properties as Properties,
    payload: JSON.stringify(message.body),
  };
}

type Parked = Omit<ParkedMessage, "messageId" | "at">;

export function forgedParked(
  knowledge: Knowledge,
  random: SeededRandom,
): Forged<Parked> | undefined {
  const taken = knowledge.someTaken(random);
  if (taken === undefined) return undefined;
  const truth = truthfullyParked(taken);
  const other = knowledge.guess(random);
  const changed: SecurityEventKind[] = ["content-changed"];
  const wrong: SecurityEventKind[] = ["code-wrong"];
  const forgeries: Forged<Parked>[] = [
    {
      message: { ...truth, payload: truth.payload.replace(/"hash":"./g, '"hash":"0') + " " },
      expected: changed,
    },
    { message: { ...truth, payload: forgedPayload(truth.payload) }, expected: changed },
    { message: { ...truth, target: "spare" as TargetName }, expected: changed },
    { message: { ...truth, sessionId: `${taken.work.definition}/xx` }, expected: changed },
    { message: { ...truth, unreadType: "postern.sync.apply.v2" }, expected: changed },
    {
      message: { ...truth, workMessageId: `${truth.workMessageId}~p7` as MessageId },
      expected: wrong,
    },
    {
      message: {
        ...truth,
        payload: forgedPayload(truth.payload),
        properties: {
          ...(truth.properties as Properties),
          ...posternProperties({ bodyHash: bodyHash(forgedPayload(truth.payload)) }),
        },
      },
      expected: wrong,
    },
    {
      message: { ...truth, properties: { ...truth.properties, ...liesOf(random) } },
      expected: wrong,
    },
  ];
  if (other !== undefined) {
    const payload = forgedPayload(JSON.stringify(other));
    forgeries.push(
      // Of the other group, under a true code.
      { message: { ...truth, workMessageId: other.messageId, payload }, expected: wrong },
      {
        message: {
          ...truth,
          workMessageId: other.messageId,
          sessionId: other.lane,
          payload,
          properties: propertiesOf(other, payload, undefined),
        },
        expected: ["code-missing"],
      },
      {
        message: {
          ...truth,
          workMessageId: other.messageId,
          sessionId: other.lane,
          payload,
          properties: propertiesOf(other, payload, inventedCode(random)),
        },
        expected: wrong,
      },
    );
  }
  return random.pick(forgeries);
}

function forgedPayload(payload: string): string {
  return payload.replace(/"display_name":"[^"]*"/g, '"display_name":"forged"').replace("{", "{ ");
}

function propertiesOf(
  { definition, cycleId, version, items, stream, target, lane, group, proof }: Taken["work"],
  body: string,
  code: string | undefined,
): Properties {
  return {
    ...eventProperties({
      id: "x",
      source: "/postern/sim/cloud",
      type: WORK_MESSAGE_TYPE,
      time: proof.at,
    }),
    ...posternProperties({
      ...{ definition, cycleId, version, count: items.length, stream, target, lane, group },
      ...{ key: proof.key, issuedAt: proof.at, bodyHash: bodyHash(body), code },
    }),
  };
}

/** Accounting properties that were never the message's own. */
export function liesOf(random: SeededRandom): Properties {
  return random.pick<Properties>([
    posternProperties({ count: 100 }),
    posternProperties({ version: 1_750_000_000_000 as Taken["work"]["version"] }),
    posternProperties({ definition: "people" as Taken["work"]["definition"], count: 77 }),
    posternProperties({ cycleId: "c20260115T000000000Z-forged00" as Taken["work"]["cycleId"] }),
  ]);
}

export interface Spoilt {
  readonly messageId: string;
  readonly body: unknown;
  readonly properties: Properties;
}

/** A message of the results queue that the broker gave up in the end, and what its properties say then. */
export function spoiltMessage(
  knowledge: Knowledge,
  random: SeededRandom,
): Forged<Spoilt> | undefined {
  const work = knowledge.guess(random);
  if (work === undefined) return undefined;
  const { messageId } = work;
  const own = knowledge.someTaken(random);
  const text = "no work at all";
  const forgeries: Forged<Spoilt>[] = [
    {
      message: { messageId, body: text, properties: propertiesOf(work, text, undefined) },
      expected: ["code-missing"],
    },
    {
      message: {
        messageId,
        body: text,
        properties: propertiesOf(work, text, inventedCode(random)),
      },
      expected: ["code-wrong"],
    },
    { message: { messageId, body: work, properties: {} }, expected: ["content-changed"] },
  ];
  if (own !== undefined) {
    const { properties } = own.message;
    const body = text;
    forgeries.push(
      // The true properties of its own work under the id of other work, or with another place to count in.
      {
        message: { messageId, body, properties: properties as Properties },
        expected: ["code-wrong"],
      },
      {
        message: {
          messageId: own.message.messageId,
          body,
          properties: { ...(properties as Properties), ...liesOf(random) },
        },
        expected: ["code-wrong"],
      },
      {
        message: { messageId, body: own.work, properties: properties as Properties },
        expected: ["content-changed"],
      },
    );
  }
  return random.pick(forgeries);
}

/** The one lease that the hostile agent has; all others belong to honest agents. */
export const ownLease = { jobId: "job-own" as JobId, attempt: 1, agent: "intruder" as AgentId };

export function leaseOf({ id: key, secret }: WorkKey, at: string): LeaseProof {
  const { tenant, branch, group } = annexPlace;
  const facts: LeaseFacts = { key, at, tenant, branch, group, ...ownLease };
  return { key, at, code: leaseCode(secret, facts) };
}

type JobReport = Pick<JobResultMessage, "jobId" | "attempt" | "agent" | "group" | "proof">;

export function forgedJobResult(proof: LeaseProof, random: SeededRandom): Forged<JobReport> {
  const { group } = annexPlace;
  const truth: JobReport = { ...ownLease, group, proof };
  const wrong: SecurityEventKind[] = ["code-wrong"];
  return random.pick<Forged<JobReport>>([
    { message: truth, expected: [] },
    { message: { ...truth, group: place.group, jobId: "job-other" as JobId }, expected: wrong },
    { message: { ...truth, jobId: "job-annex" as JobId }, expected: wrong },
    { message: { ...truth, attempt: 2 }, expected: wrong },
    { message: { ...truth, agent: "annex-1" as AgentId }, expected: wrong },
    {
      message: { ...truth, jobId: "job-annex" as JobId, proof: { ...proof, key: "key-999" } },
      expected: ["key-unknown"],
    },
    {
      message: { ...truth, attempt: 3, proof: { ...proof, code: inventedCode(random) } },
      expected: wrong,
    },
  ]);
}
