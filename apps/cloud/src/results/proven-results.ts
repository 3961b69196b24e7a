/** Parts a batch into results that prove themselves and others, which count nowhere. */
import {
  type GroupName,
  JOB_RESULT_MESSAGE_TYPE,
  type JobResultMessage,
  RESULT_MESSAGE_TYPE,
  resultsQueueName,
  type WorkMessageResult,
} from "@postern/contracts";
import type { Stamp, SyncPorts } from "../ports/cloud-ports";
import type { ProofCheck } from "../proofs/code-check";
import { verifyLease, verifyResults } from "../proofs/verification";
import { type ProofFailure, reportProofFailures } from "../security/proof-failures";
import { partitionProven, type Proven } from "../security/partition-proven";

/** One work message's result, and who reported it when. */
export interface ReportedResult {
  readonly result: WorkMessageResult;
  readonly agent: string;
  /** By the agent's clock. */
  readonly reportedAt: string;
}

type Ports = Pick<
  SyncPorts,
  "stamp" | "clock" | "logger" | "workKeys" | "security" | "knownAgents"
>;

/** @throws ServiceUnavailable */
export async function provenResults(
  ports: Ports,
  group: GroupName,
  reported: readonly ReportedResult[],
): Promise<Proven<ReportedResult>> {
  if (reported.length === 0) return { proven: [], again: undefined };
  const checks = await verifyResults(
    ports,
    group,
    reported.map(({ result }) => result),
  );
  const claimOf = (one: ReportedResult): Claim => ({
    queue: resultsQueueName(group),
    group,
    agent: one.agent,
    messageId: one.result.workMessageId,
    subject: JSON.stringify(one),
  });
  const work = await partitionProven(ports, reported, checks, claimOf, (one) => ({
    key: one.result.proof.key,
    type: RESULT_MESSAGE_TYPE,
    body: resultMessageOf(ports.stamp, group, one),
  }));
  await noteUnknownAgents(ports, group, work.proven, claimOf);
  return work;
}

type Claim = Omit<ProofFailure, "kind" | "detail" | "pending">;

/**
 * A proven result counts whoever sends it: its sender held the work, and may have been released since. That it comes
 * from an agent that the group does not have is for a person to know.
 */
async function noteUnknownAgents(
  ports: Ports,
  group: GroupName,
  proven: readonly ReportedResult[],
  claimOf: (one: ReportedResult) => Claim,
): Promise<void> {
  const strangers: ReportedResult[] = [];
  for (const ofAgent of Map.groupBy(proven, ({ agent }) => agent).values()) {
    const [first] = ofAgent;
    if (first === undefined || (await ports.knownAgents.isKnown(group, first.agent))) continue;
    strangers.push(first);
  }
  await reportProofFailures(
    ports,
    strangers.map((one) => ({
      ...claimOf(one),
      kind: "agent-unknown",
      detail: `the result counts, but the group has no agent '${one.agent}'`,
    })),
  );
}

/** @throws ServiceUnavailable */
export async function provenJobResults(
  ports: Ports,
  group: GroupName,
  messages: readonly JobResultMessage[],
): Promise<Proven<JobResultMessage>> {
  const checks: ProofCheck[] = [];
  for (const message of messages) checks.push(await verifyLease(ports, group, message));
  return partitionProven(
    ports,
    messages,
    checks,
    (one) => ({
      queue: resultsQueueName(group),
      group,
      agent: one.agent,
      messageId: one.messageId,
      subject: JSON.stringify(one),
    }),
    (one) => ({ key: one.proof.key, type: JOB_RESULT_MESSAGE_TYPE, body: one }),
  );
}

/** A message that holds this result only. */
function resultMessageOf(
  { tenant, branch }: Stamp,
  group: GroupName,
  { agent, reportedAt, result }: ReportedResult,
): object {
  const messageId = result.workMessageId;
  return { messageId, tenant, branch, group, agent, at: reportedAt, results: [result] };
}
