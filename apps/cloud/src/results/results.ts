import {
  cloudPoint,
  type DeadLetter,
  eventAttribute,
  type GroupName,
  historyTtlSeconds,
  type ItemResult,
  JOB_RESULT_MESSAGE_TYPE,
  type JobId,
  JobResultMessage,
  type Marker,
  type MessageId,
  type OutcomeCounts,
  PosternError,
  readMessage,
  RESULT_MESSAGE_TYPE,
  ResultMessage,
  resultsQueueName,
  type WorkMessageResult,
} from "@postern/contracts";
import { deadLetterId, payloadText, unreadableDeadLetter } from "../dead-letters/new-dead-letter";
import type { ReceivedMessage } from "../ports/message-bus";
import { reportJobProgress } from "../cycles/job-progress";
import { retryMessageId } from "../work/item-message-ids";
import { isCountedReport } from "../cycles/message-marker";
import type { DefinitionRecord } from "../ports/stores";
import type { OutgoingMessage } from "../ports/message-bus";
import type { SyncPorts } from "../ports/cloud-ports";
import { markerId } from "../cycles/document-ids";
import { countBegun, type ReplayTold } from "../dead-letters/replay/replay-markers";
import { storeDeadLetters } from "../dead-letters/store-dead-letters";
import { singleItemMessage, workQueueOf } from "../work/work-messages";

/**
 * Results of work messages, a batch at a time. For each work message: see that a replay is counted as begun, then the marker,
 * then store the dead letters and send the copies of items that wait.
 *
 * The marker is the count, and says which report it counts. An agent that has lost its lane without knowing reports what its
 * successor reports too; of two reports the first counts, and only what counts is sent again or given up. A report that
 * comes twice, since its batch ended on the way, finds its own marker and goes on from there: ids are made from what they
 * stand for.
 *
 * A message that cannot be read is stored as a dead letter; only a service that does not answer fails the batch.
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
    account(ports, group, message, result, definitions),
  );
  await countBegun(
    ports,
    results.flatMap(({ result }) => toldOf(result)),
  );
  cloudPoint("before-marker");
  const counted = await counting(ports, accounts);
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
  // A job that many change at once: its result can be read, and is to come again. Everything else has been seen to.
  if (contended !== undefined) throw contended;
}

/** What one report of a work message comes to. */
interface Account {
  readonly marker: Marker;
  readonly copies: readonly { readonly queue: string; readonly message: OutgoingMessage }[];
  readonly deadLetters: readonly DeadLetter[];
}

/** Counts them; answers those whose report is the one that counts. */
async function counting(
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

/** A queue that takes nothing must not keep back what others would take. */
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

function toldOf({ items, ...of }: WorkMessageResult): ReplayTold[] {
  return items.map(({ itemId }) => ({ ...of, itemId }));
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

function account(
  ports: SyncPorts,
  group: GroupName,
  message: ResultMessage,
  result: WorkMessageResult,
  definitions: ReadonlyMap<string, DefinitionRecord>,
): Account {
  const copies: { readonly queue: string; readonly message: OutgoingMessage }[] = [];
  const deadLetters: DeadLetter[] = [];
  const counts: Record<string, number> = {};
  const exceptions: Marker["exceptions"] = [];
  const asked: MessageId[] = [];
  const record = definitions.get(result.definition);
  for (const reported of result.items) {
    let item: ItemResult = reported;
    if (item.outcome === "waiting" && (item.item === undefined || record === undefined)) {
      item = {
        ...item,
        outcome: "dead-lettered",
        code: "message-malformed",
        reason:
          record === undefined
            ? "the item waits for a retry, but its sync definition no longer exists"
            : "the agent reported the item as waiting without the item itself",
      };
    }
    counts[item.outcome] = (counts[item.outcome] ?? 0) + 1;
    if (item.outcome === "waiting" && record !== undefined) {
      const copy = retryCopy(ports, message, result, record, item);
      copies.push({ queue: workQueueOf(record.definition), message: copy });
      asked.push(copy.messageId as MessageId);
    }
    if (item.outcome === "dead-lettered" || item.outcome === "outcome-unknown") {
      deadLetters.push(itemDeadLetter(ports, group, message, result, item));
    }
    if (!["applied", "unchanged", "superseded"].includes(item.outcome)) {
      exceptions.push({
        entity: item.entity,
        version: item.version,
        outcome: item.outcome,
        ...(item.code === undefined ? {} : { code: item.code }),
        ...(item.reason === undefined ? {} : { reason: item.reason.slice(0, 500) }),
      });
    }
  }
  const marker: Marker = {
    id: markerId(result.workMessageId),
    type: "marker",
    definition: result.definition,
    cycleId: result.cycleId,
    ...(result.jobId === undefined ? {} : { jobId: result.jobId }),
    workMessageId: result.workMessageId,
    version: result.version,
    counts: counts satisfies OutcomeCounts,
    report: `${message.agent}@${message.at}`,
    ...(asked.length === 0 ? {} : { retries: asked }),
    at: new Date(ports.clock.now()).toISOString(),
    exceptions,
    ttl: historyTtlSeconds,
  };
  return { marker, copies, deadLetters };
}

/** `ID#3` → 3. The number of the delivery that a work message id names. */
function attemptOf(messageId: string): number {
  const match = /#(\d{1,6})$/.exec(messageId);
  return match?.[1] === undefined ? 0 : Number(match[1]);
}

const MIN_RETRY_MS = 1_000;

/** An item that waits travels alone from now on, and the next report of it has a marker of its own. */
function retryCopy(
  ports: SyncPorts,
  message: ResultMessage,
  result: WorkMessageResult,
  { definition }: DefinitionRecord,
  reported: ItemResult,
): OutgoingMessage {
  const { item } = reported;
  if (item === undefined) throw new TypeError("an item that waits comes with its item");
  const nowMs = ports.clock.now();
  // How long, not until when: the agent's time of day may be wrong, and a retry in the past would be a retry at once.
  const askedMs =
    reported.retryAt === undefined ? 0 : Date.parse(reported.retryAt) - Date.parse(message.at);
  const attempt = attemptOf(result.workMessageId) + 1;
  return singleItemMessage(
    {
      stamp: ports.stamp,
      definition,
      stream: result.stream,
      cycleId: result.cycleId,
      jobId: result.jobId,
      version: result.version,
      time: new Date(nowMs).toISOString(),
      traceparent: result.traceparent ?? ports.tracing.traceparent(),
    },
    item,
    {
      messageId: retryMessageId(result.workMessageId, item.itemId, attempt),
      scheduledAt: new Date(nowMs + Math.max(MIN_RETRY_MS, askedMs)),
      attempts: reported.attempts,
      firstAttemptAt: reported.firstAttemptAt,
    },
  );
}

function itemDeadLetter(
  ports: SyncPorts,
  group: GroupName,
  message: ResultMessage,
  result: WorkMessageResult,
  item: ItemResult,
): DeadLetter {
  return {
    id: deadLetterId(Date.parse(message.at), `${result.workMessageId}.${item.itemId}`),
    group,
    state: "open",
    source: "results",
    by: "agent",
    code: item.code ?? "target-rejected",
    reason: item.reason ?? "the agent gave no reason",
    outcome: item.outcome === "outcome-unknown" ? "outcome-unknown" : "dead-lettered",
    definition: result.definition,
    target: result.target,
    entity: `${item.entity.type}:${item.entity.id}`,
    itemId: item.itemId,
    version: item.version,
    messageId: result.workMessageId,
    cycleId: result.cycleId,
    traceparent: result.traceparent ?? null,
    attempts: item.attempts ?? [],
    deliveryCount: 0,
    ...payloadText(item.item === undefined ? "" : JSON.stringify(item.item)),
    deadLetteredAt: new Date(ports.clock.now()).toISOString(),
  };
}

/** Once per job of the batch: the progress of a job is what its cycle adds up to. */
async function reportJobs(ports: SyncPorts, markers: readonly Marker[]): Promise<void> {
  const jobs = new Map<JobId, Marker>();
  for (const marker of markers) if (marker.jobId !== undefined) jobs.set(marker.jobId, marker);
  for (const [jobId, { definition, cycleId }] of jobs) {
    await reportJobProgress(ports, { jobId, definition, cycleId });
  }
}
