/**
 * Results of work messages, a batch at a time. For each work message: see that its sender held that work, make sure
 * that a replay is counted as begun, create the marker, then store the dead letters and send the copies of items that
 * wait.
 *
 * The marker is the count, and says which report it counts. An agent that has lost its lane without knowing reports
 * what its successor reports too; of two reports the first counts, and only what counts is sent again or given up. A
 * report that comes twice, because its batch failed half-way, finds its own marker and goes on from there: ids are made
 * from what they stand for.
 *
 * A message that cannot be read is stored as a dead letter, a result that does not prove itself becomes a security
 * event; only an unavailable service fails the batch.
 */
import {
  cloudPoint,
  type DeadLetter,
  eventAttribute,
  type GroupName,
  JOB_RESULT_MESSAGE_TYPE,
  type JobId,
  JobResultMessage,
  type Marker,
  PosternError,
  readMessage,
  RESULT_MESSAGE_TYPE,
  ResultMessage,
  resultsQueueName,
  type WorkMessageResult,
} from "@postern/contracts";
import { reportJobProgress } from "../cycles/job-progress";
import { isCountedReport } from "../cycles/message-marker";
import { unreadableDeadLetter } from "../dead-letters/new-dead-letter";
import { countBegun, type ReportedItem } from "../dead-letters/replay/replay-markers";
import { storeDeadLetters } from "../dead-letters/store-dead-letters";
import type { SyncPorts } from "../ports/cloud-ports";
import type { ReceivedMessage } from "../ports/message-bus";
import type { DefinitionRecord } from "../ports/stores";
import { signerNow } from "../proofs/signing";
import { type Account, accountOf } from "./account";
import { provenJobResults, provenResults, type ReportedResult } from "./proven-results";

/**
 * @throws ServiceUnavailable when a service is unavailable, PosternError `conflict` when a job is being changed by too
 * many writers
 */
export async function consumeResults(
  ports: SyncPorts,
  group: GroupName,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const { reported, jobResults, unreadable } = readResults(ports, group, messages);
  if (unreadable.length > 0) await ports.deadLetters.add(unreadable);
  const jobs = await provenJobResults(ports, group, jobResults);
  const contended = await recordJobResults(ports, jobs.proven);
  const work = await provenResults(ports, group, reported);
  await countResults(ports, group, work.proven);
  // Now that the rest of the batch is done: what is valid, or may yet prove to be, has to be delivered again.
  const again = contended ?? jobs.again ?? work.again;
  if (again !== undefined) throw again;
}

interface ReadMessages {
  readonly reported: readonly ReportedResult[];
  readonly jobResults: readonly JobResultMessage[];
  readonly unreadable: readonly DeadLetter[];
}

function readResults(
  ports: SyncPorts,
  group: GroupName,
  messages: readonly ReceivedMessage[],
): ReadMessages {
  const reported: ReportedResult[] = [];
  const jobResults: JobResultMessage[] = [];
  const unreadable: DeadLetter[] = [];
  for (const received of messages) {
    const { properties, body } = received;
    try {
      if (eventAttribute(properties, "type") === JOB_RESULT_MESSAGE_TYPE) {
        const type = JOB_RESULT_MESSAGE_TYPE;
        jobResults.push(readMessage({ schema: JobResultMessage, type }, properties, body));
        continue;
      }
      const options = { schema: ResultMessage, type: RESULT_MESSAGE_TYPE };
      const message = readMessage(options, properties, body);
      for (const result of message.results) {
        reported.push({ result, agent: message.agent, reportedAt: message.at });
      }
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      const queue = resultsQueueName(group);
      unreadable.push(unreadableDeadLetter({ queue, group }, received, error, ports.clock.now()));
    }
  }
  return { reported, jobResults, unreadable };
}

/** Too many writers of one job must not cost the rest of the batch its turn: the last such error is returned. */
async function recordJobResults(
  { jobs }: Pick<SyncPorts, "jobs">,
  messages: readonly JobResultMessage[],
): Promise<PosternError | undefined> {
  let contended: PosternError | undefined;
  for (const message of messages) {
    try {
      await jobs.recordResult(message);
    } catch (error) {
      if (!(error instanceof PosternError) || error.code !== "conflict") throw error;
      contended = error;
    }
  }
  return contended;
}

async function countResults(
  ports: SyncPorts,
  group: GroupName,
  reported: readonly ReportedResult[],
): Promise<void> {
  if (reported.length === 0) return;
  const results = reported.map(({ result }) => result);
  const definitions = await definitionsOf(ports, results);
  const signer = await signerNow(ports);
  const accounts = reported.map(({ result, agent, reportedAt }) =>
    accountOf({
      stamp: ports.stamp,
      signer,
      group,
      agent,
      reportedAt,
      result,
      definition: definitions.get(result.definition)?.definition,
      nowMs: ports.clock.now(),
      traceparent: ports.tracing.traceparent(),
    }),
  );
  await countBegun(ports, results.flatMap(reportedItems));
  cloudPoint("before-marker");
  const counted = await countAccounts(ports, accounts);
  cloudPoint("after-marker");
  const deadLetters = counted.flatMap((one) => one.deadLetters);
  if (deadLetters.length > 0) await storeDeadLetters(ports, deadLetters);
  await sendCopies(
    ports,
    counted.flatMap((one) => one.copies),
  );
  await reportJobs(
    ports,
    accounts.map(({ marker }) => marker),
  );
}

/** Counts the reports. Returns those that are the ones that count. */
async function countAccounts(
  ports: Pick<SyncPorts, "progress">,
  accounts: readonly Account[],
): Promise<readonly Account[]> {
  if (accounts.length === 0) return [];
  const created = await ports.progress.createMarkers(accounts.map(({ marker }) => marker));
  const counted: Account[] = [];
  for (const [index, one] of accounts.entries()) {
    const { marker, copies, deadLetters } = one;
    if (created[index] === true) counted.push(one);
    else if (copies.length > 0 || deadLetters.length > 0) {
      if (await isCountedReport(ports, marker)) counted.push(one);
    }
  }
  return counted;
}

/** A queue that accepts nothing must not hold back what the others would accept. */
async function sendCopies(
  { bus }: Pick<SyncPorts, "bus">,
  copies: Account["copies"],
): Promise<void> {
  const sent = await Promise.allSettled(
    [...Map.groupBy(copies, ({ queue }) => queue)].map(([queue, ofQueue]) =>
      bus.send(
        queue,
        ofQueue.map(({ message }) => message),
      ),
    ),
  );
  const failed = sent.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function reportedItems({ items, ...message }: WorkMessageResult): ReportedItem[] {
  return items.map(({ itemId }) => ({ ...message, itemId }));
}

async function definitionsOf(
  ports: SyncPorts,
  results: readonly WorkMessageResult[],
): Promise<Map<string, DefinitionRecord>> {
  const found = new Map<string, DefinitionRecord>();
  for (const id of new Set(results.map(({ definition }) => definition))) {
    const record = await ports.definitions.get(id);
    if (record !== undefined) found.set(id, record.value);
  }
  return found;
}

/** Once per job of the batch: the progress of a job is what its cycle adds up to. */
async function reportJobs(ports: SyncPorts, markers: readonly Marker[]): Promise<void> {
  const jobs = new Map<JobId, Marker>();
  for (const marker of markers) if (marker.jobId !== undefined) jobs.set(marker.jobId, marker);
  for (const [jobId, { definition, cycleId }] of jobs) {
    await reportJobProgress(ports, { jobId, definition, cycleId });
  }
}
