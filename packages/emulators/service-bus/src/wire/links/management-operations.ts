/** The operations of a queue's $management node: body of the request in, body of the reply out. */
import { z } from "zod";
import { BrokerError } from "../../engine/model/broker-error";
import type { Queue } from "../../engine/queue/queue";
import type { Settlement } from "../../engine/model/queue-options";
import type { IncomingMessage } from "../../engine/model/queue-message";
import { swapGuidOrder, tagOfToken, tokenOfTag } from "../messages/delivery-tag";
import { readMessage, writeMessage } from "../messages/message-content";
import { ARRAY_OF_LONG, ARRAY_OF_TIMESTAMP, amqpTypes } from "../rhea/rhea";
import { MAX_MESSAGE_BYTES, readChecked, tooLarge } from "../messages/message-limits";
import type { Statistics } from "../connection/statistics";

export interface ManagementResult {
  readonly status: number;
  readonly description?: string;
  readonly condition?: string;
  readonly body?: unknown;
}

export interface Caller {
  readonly queue: Queue;
  /** The connection: session operations are allowed to the connection that holds the session. */
  readonly owner: object;
  readonly statistics: Statistics;
}

type ManagementOperation = (caller: Caller, body: unknown) => ManagementResult;

const MAX_ITEMS = 10_000;
const RECEIVE_AND_DELETE = 0;

const Bytes = z.custom<Buffer>((value) => Buffer.isBuffer(value), "must be binary");
/** rhea returns a long as a number if it is small, else as its 8 bytes. */
const Long = z.union([z.int(), Bytes.transform((bytes) => Number(bytes.readBigInt64BE(0)))]);
const SequenceNumbers = z.array(Long).min(1).max(MAX_ITEMS);
const LockTokens = z
  .array(Bytes)
  .min(1)
  .max(MAX_ITEMS)
  .transform((tokens) => tokens.map((bytes) => tokenOfTag(swapGuidOrder(bytes))));
const SessionId = z.string().max(128);
const OptionalSessionId = SessionId.nullish();

function operation<T>(
  body: z.ZodType<T>,
  carryOut: (caller: Caller, body: T) => unknown,
): ManagementOperation {
  return (caller, input) => {
    const parsed = body.safeParse(input ?? {});
    if (!parsed.success) {
      throw new BrokerError(
        "invalid-argument",
        `The body of the request is not valid: ${z.prettifyError(parsed.error)}`,
      );
    }
    const result = carryOut(caller, parsed.data);
    return result === undefined ? { status: 200 } : { status: 200, body: result };
  };
}

const renewLock = operation(z.object({ "lock-tokens": LockTokens }), ({ queue }, body) => {
  const ends = body["lock-tokens"].map((token) => queue.renewLock(token));
  return { expirations: amqpTypes.wrap_array(ends, ARRAY_OF_TIMESTAMP) };
});

const Disposition = z.object({
  "lock-tokens": LockTokens,
  "disposition-status": z.enum(["completed", "abandoned", "suspended", "defered", "deferred"]),
  "deadletter-reason": z.string().nullish(),
  "deadletter-description": z.string().nullish(),
  "properties-to-modify": z.record(z.string(), z.unknown()).nullish(),
});

function settlementOf(body: z.infer<typeof Disposition>): Settlement {
  const properties = body["properties-to-modify"] ?? {};
  switch (body["disposition-status"]) {
    case "completed":
      return { kind: "complete" };
    case "abandoned":
      return { kind: "abandon", properties };
    case "defered":
    case "deferred":
      return { kind: "defer", properties };
    case "suspended":
      return {
        kind: "dead-letter",
        properties: {
          ...properties,
          DeadLetterReason: body["deadletter-reason"] ?? undefined,
          DeadLetterErrorDescription: body["deadletter-description"] ?? undefined,
        },
      };
  }
}

const updateDisposition = operation(Disposition, ({ queue, statistics }, body) => {
  const settlement = settlementOf(body);
  for (const token of body["lock-tokens"]) queue.settle(token, settlement);
  statistics.settlements += body["lock-tokens"].length;
});

const ScheduledMessages = z.object({
  messages: z
    .array(z.object({ message: Bytes }))
    .min(1)
    .max(MAX_ITEMS),
});

const scheduleMessage = operation(ScheduledMessages, ({ queue, statistics }, body) => {
  const messages = body.messages.map(({ message }): IncomingMessage => {
    if (message.length > MAX_MESSAGE_BYTES) throw tooLarge(message.length);
    return readChecked(() => readMessage(message));
  });
  const numbers = queue.schedule(messages);
  statistics.messagesSent += messages.length;
  return { "sequence-numbers": amqpTypes.wrap_array(numbers, ARRAY_OF_LONG) };
});

const cancelScheduled = operation(
  z.object({ "sequence-numbers": SequenceNumbers }),
  ({ queue }, body) => {
    queue.cancelScheduled(body["sequence-numbers"]);
  },
);

const Peek = z.object({
  "from-sequence-number": Long,
  "message-count": z.int().min(1),
  "session-id": OptionalSessionId,
});
// The most that one reply carries, whatever was asked for.
const MAX_PEEKED = 1000;
const MAX_PEEKED_BYTES = 1024 * 1024;

const peek: ManagementOperation = (caller, input) => {
  const answer = operation(Peek, ({ queue }, body) => {
    const count = Math.min(body["message-count"], MAX_PEEKED);
    const messages: { message: unknown }[] = [];
    let bytes = 0;
    for (const message of queue.peek(
      body["from-sequence-number"],
      count,
      body["session-id"] ?? undefined,
    )) {
      const encoded = writeMessage(message, undefined);
      bytes += encoded.length;
      if (messages.length > 0 && bytes > MAX_PEEKED_BYTES) break;
      messages.push({ message: amqpTypes.wrap_binary(encoded) });
    }
    return messages.length === 0 ? undefined : { messages };
  })(caller, input);
  return answer.body === undefined ? { status: 204, description: "No messages" } : answer;
};

const ReceiveBySequenceNumber = z.object({
  "sequence-numbers": SequenceNumbers,
  "receiver-settle-mode": z.int(),
  "session-id": OptionalSessionId,
});

const receiveBySequenceNumber = operation(
  ReceiveBySequenceNumber,
  ({ queue, owner, statistics }, body) => {
    const received = queue.receiveDeferred(body["sequence-numbers"], {
      locks: body["receiver-settle-mode"] !== RECEIVE_AND_DELETE,
      sessionId: body["session-id"] ?? undefined,
      owner,
    });
    statistics.messagesReceived += received.length;
    const messages = received.map(({ message, grant }) => ({
      message: amqpTypes.wrap_binary(writeMessage(message, grant?.lockedUntilMs)),
      ...(grant === undefined
        ? {}
        : { "lock-token": amqpTypes.wrap_uuid(swapGuidOrder(tagOfToken(grant.token))) }),
    }));
    return { messages };
  },
);

const renewSessionLock = operation(
  z.object({ "session-id": SessionId }),
  ({ queue, owner }, body) => ({
    expiration: amqpTypes.wrap_timestamp(queue.renewSessionLock(body["session-id"], owner)),
  }),
);

const getSessionState = operation(
  z.object({ "session-id": SessionId }),
  ({ queue, owner }, body) => ({
    "session-state": queue.sessionState(body["session-id"], owner) ?? null,
  }),
);

const SessionState = z.object({ "session-id": SessionId, "session-state": Bytes.nullish() });

const setSessionState = operation(SessionState, ({ queue, owner }, body) => {
  const state = body["session-state"] ?? undefined;
  if (state !== undefined && state.length > MAX_MESSAGE_BYTES) throw tooLarge(state.length);
  // Copied: the request's bytes are a slice of the whole chunk.
  queue.setSessionState(
    body["session-id"],
    owner,
    state === undefined ? undefined : Buffer.from(state),
  );
});

const ListSessions = z.object({ skip: z.int().min(0), top: z.int().min(1) });

const listSessions = operation(ListSessions, ({ queue }, { skip, top }) => {
  const ids = queue.sessionIds().slice(skip, skip + top);
  return { skip: amqpTypes.wrap_int(skip + ids.length), "sessions-ids": ids };
});

/** By the operation's name without `com.microsoft:`. */
export const MANAGEMENT_OPERATIONS: ReadonlyMap<string, ManagementOperation> = new Map([
  ["renew-lock", renewLock],
  ["update-disposition", updateDisposition],
  ["schedule-message", scheduleMessage],
  ["cancel-scheduled-message", cancelScheduled],
  ["peek-message", peek],
  ["receive-by-sequence-number", receiveBySequenceNumber],
  ["renew-session-lock", renewSessionLock],
  ["get-session-state", getSessionState],
  ["set-session-state", setSessionState],
  ["get-message-sessions", listSessions],
]);
