/**
 * Results of work messages, a batch at a time. For each work message: make sure that a replay is counted as begun,
 * create the marker, then store the dead letters and send the copies of items that wait.
 *
 * The marker is the count, and says which report it counts. An agent that has lost its lane without knowing reports
 * what its successor reports too; of two reports the first counts, and only what counts is sent again or given up. A
 * report that comes twice, because its batch failed half-way, finds its own marker and goes on from there: ids are made
 * from what they stand for.
 *
 * A message that cannot be read is stored as a dead letter; only an unavailable service fails the batch.
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
import { unreadableDeadLetter } from "../dead-letters/new-dead-letter";
import type { ReceivedMessage } from "../ports/message-bus";
import { reportJobProgress } from "../cycles/job-progress";
import { isCountedReport } from "../cycles/message-marker";
import type { DefinitionRecord } from "../ports/stores";
import type { SyncPorts } from "../ports/cloud-ports";
import { type Account, accountOf } from "./account";
import { countBegun, type ReportedItem } from "../dead-letters/replay/replay-markers";
import { storeDeadLetters } from "../dead-letters/store-dead-letters";

/**
 * @throws ServiceUnavailable when a service is unavailable, PosternError `conflict` when a job is being changed by too
 * many writers
 */
export async function consumeResults(
  ports: SyncPorts,
  group: GroupName,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const results: { readonly result: WorkMessageResult; readonly message: ResultMessage }[] = [];
  const unreadable: DeadLetter[] = [];
  let contended: PosternError | undefined;
  for (const received of messages) {
    try {
      if (eventAttribute(received.properties, "type") === JOB_RESULT_MESSAGE_TYPE) {
        const message = readMessage(
          { schema: JobResultMessage, type: JOB_RESULT_MESSAGE_TYPE },
          received.properties,
          received.body,
        );
        await ports.jobs.recordResult(message);
        continue;
      }
      const message = readMessage(
        { schema: ResultMessage, type: RESULT_MESSAGE_TYPE },
        received.properties,
        received.body,
      );
      for (const result of message.results) results.push({ result, message });
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      if (error.code === "conflict") {
        contended = error;
        continue;
      }
      const queue = resultsQueueName(group);
      unreadable.push(unreadableDeadLetter({ queue, group }, received, error, ports.clock.now()));
    }
  }
  if (unreadable.length > 0) await ports.deadLetters.add(unreadable);

  const definitions = await definitionsOf(
    ports,
    results.map(({ result }) => result),
  );
  const accounts = results.map(({ result, message }) =>
    accountOf({
      stamp: ports.stamp,
      group,
      agent: message.agent,
      reportedAt: message.at,
      result,
      definition: definitions.get(result.definition)?.definition,
      nowMs: ports.clock.now(),
      traceparent: ports.tracing.traceparent(),
    }),
  );
  await countBegun(
    ports,
    results.flatMap(({ result }) => reportedItems(result)),
  );
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
  // Too many writers changed one job: its result is valid and has to be delivered again. The rest of the batch is done.
  if (contended !== undefined) throw contended;
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
