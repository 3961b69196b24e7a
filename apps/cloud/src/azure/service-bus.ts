import {
  ServiceBusClient,
  type ServiceBusMessage,
  type ServiceBusMessageBatch,
  type ServiceBusSender,
} from "@azure/service-bus";
import type { TokenCredential } from "@azure/identity";
import type { MessageBus, OutgoingMessage } from "../ports/message-bus";
import { ServiceUnavailable } from "@postern/runtime";
import type { Settings } from "../settings";
import { TimeLimitExceeded, withinTimeLimit } from "@postern/runtime";

/**
 * Sends messages, one link per queue. The SDK's default pause between tries is 30 s: a run ends before that, so it is
 * shorter here, and after three failed tries the run sends again.
 */
const RETRY = { maxRetries: 3, retryDelayInMs: 500, timeoutInMs: 10_000 };
/**
 * A dead connection takes every message and confirms none, and the SDK keeps trying over
 * it for two minutes (the idle time-out of AMQP, twice). One batch unconfirmed for this long is the sign, and the
 * client is replaced. The limit is far above what a batch takes, three tries at a busy broker included.
 */
const ANSWERED_WITHIN_MS = 8_000;

export interface ServiceBus extends MessageBus {
  close(): Promise<void>;
}

export function createServiceBus(
  settings: Settings["serviceBus"],
  credential: TokenCredential,
): ServiceBus {
  const { connectionString, fullyQualifiedNamespace } = settings;
  let current: Connection | undefined;
  const connected = (): Connection => {
    current ??= {
      client:
        connectionString === null
          ? new ServiceBusClient(fullyQualifiedNamespace ?? "", credential, { retryOptions: RETRY })
          : new ServiceBusClient(connectionString.reveal(), { retryOptions: RETRY }),
      senders: new Map(),
    };
    return current;
  };
  const senderOf = ({ client, senders }: Connection, queue: string): ServiceBusSender => {
    const known = senders.get(queue);
    if (known !== undefined) return known;
    const made = client.createSender(queue);
    senders.set(queue, made);
    return made;
  };
  /** The next message goes over a new client; pending sends on this one fail and are repeated. */
  const giveUp = (connection: Connection): void => {
    if (current !== connection) return;
    current = undefined;
    connection.client.close().catch(() => undefined);
  };
  return {
    send: async (queue, messages) => {
      const connection = connected();
      const sender = senderOf(connection, queue);
      // A batch carries one session: the service refuses mixed batches on partitioned queues.
      const sessions = Map.groupBy(messages, ({ sessionId }) => sessionId);
      try {
        await Promise.all([...sessions.values()].map((group) => sendBatches(sender, group)));
      } catch (error) {
        if (error instanceof TimeLimitExceeded) giveUp(connection);
        throw new ServiceUnavailable("service-bus", `queue '${queue}' does not accept messages`, {
          cause: error,
        });
      }
    },
    close: async () => {
      const closing = current;
      current = undefined;
      await closing?.client.close();
    },
  };
}

interface Connection {
  readonly client: ServiceBusClient;
  readonly senders: Map<string, ServiceBusSender>;
}

/** @throws TimeLimitExceeded when the broker does not confirm in time; the SDK's retries are then cancelled */
async function answered<T>(
  work: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  try {
    return await withinTimeLimit(work({ abortSignal: over.signal }), ANSWERED_WITHIN_MS);
  } finally {
    over.abort();
  }
}

async function sendBatches(
  sender: ServiceBusSender,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  const [only, second] = messages;
  if (only === undefined) return;
  if (second === undefined) {
    await answered((options) => sender.sendMessages(serviceBusMessage(only), options));
    return;
  }
  const newBatch = () => answered((options) => sender.createMessageBatch(options));
  const send = (filled: ServiceBusMessageBatch) =>
    answered((options) => sender.sendMessages(filled, options));
  let batch = await newBatch();
  for (const message of messages) {
    const made = serviceBusMessage(message);
    if (batch.tryAddMessage(made)) continue;
    if (batch.count > 0) await send(batch);
    batch = await newBatch();
    if (!batch.tryAddMessage(made)) {
      throw new RangeError(`message ${message.messageId} is larger than the queue takes`);
    }
  }
  if (batch.count > 0) await send(batch);
}

function serviceBusMessage(message: OutgoingMessage): ServiceBusMessage {
  const { messageId, sessionId, body, properties, scheduledAt } = message;
  return {
    messageId,
    // As bytes: the SDK would make JSON of the text once more.
    body: Buffer.from(body),
    contentType: "application/json",
    applicationProperties: { ...properties },
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(scheduledAt === undefined ? {} : { scheduledEnqueueTimeUtc: scheduledAt }),
  };
}
