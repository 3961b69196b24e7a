/** A link on which a client sends messages to a queue. */
import { BrokerError } from "../../engine/model/broker-error";
import type { Queue } from "../../engine/queue";
import type { IncomingMessage } from "../../engine/model/queue-message";
import type { ClientConnection, OpenLink } from "../connection/client-connection";
import { refusalOf } from "../connection/conditions";
import { underFaults } from "../connection/faults";
import { readBatch, readMessage } from "../messages/message-content";
import {
  ACCEPTED,
  rejected,
  type RheaDelivery,
  type RheaLink,
  type RheaSession,
} from "../rhea/rhea";
import { WireError } from "../messages/amqp-value";

/** Limit of the Standard tier for one message. */
export const MAX_MESSAGE_BYTES = 256 * 1024;
/** Limit for a batch; announced on the link, where `createMessageBatch` of the SDK takes it from. */
const MAX_BATCH_BYTES = 1024 * 1024;
const BATCH_FORMAT = 0x80013700;

export class SenderLink implements OpenLink {
  readonly session: RheaSession;
  readonly #connection: ClientConnection;
  readonly #link: RheaLink;
  readonly #queue: Queue;

  constructor(connection: ClientConnection, link: RheaLink, queue: Queue) {
    this.session = link.session;
    this.#connection = connection;
    this.#link = link;
    this.#queue = queue;
  }

  start(): void {
    this.#connection.addLink(this);
    this.#link.on("receiver_close", () => this.ended());
    this.#link.on("message", ({ delivery, message }) => {
      if (delivery !== undefined && Buffer.isBuffer(message)) this.#receive(delivery, message);
    });
    this.#link.local.attach.max_message_size = MAX_BATCH_BYTES;
    this.#link.open();
  }

  ended(): void {
    this.#connection.removeLink(this);
  }

  #receive(delivery: RheaDelivery, bytes: Buffer): void {
    underFaults(this.#connection.services.faults, this.#connection, "send", this.#queue.name, {
      run: (answer) => this.#enqueue(delivery, bytes, answer),
      refuse: (error) => delivery.update(true, rejected(refusalOf(error))),
    });
  }

  #enqueue(delivery: RheaDelivery, bytes: Buffer, answer: boolean): void {
    const { statistics, store } = this.#connection.services;
    try {
      const messages = readTransfer(delivery.format, bytes);
      this.#queue.send(messages);
      statistics.messagesSent += messages.length;
    } catch (error) {
      delivery.update(true, rejected(refusalOf(error)));
      return;
    }
    store.after(() => {
      if (answer) delivery.update(true, ACCEPTED);
      else this.#connection.drop();
    });
  }
}

function readTransfer(format: number, bytes: Buffer): IncomingMessage[] {
  const isBatch = format === BATCH_FORMAT;
  if (bytes.length > (isBatch ? MAX_BATCH_BYTES : MAX_MESSAGE_BYTES)) throw tooLarge(bytes.length);
  const messages = readChecked(() => (isBatch ? readBatch(bytes) : [readMessage(bytes)]));
  for (const { content } of messages) {
    if (content.length > MAX_MESSAGE_BYTES) throw tooLarge(content.length);
  }
  return messages;
}

/** Runs a reader of message bytes; what it cannot read is the client's mistake. */
export function readChecked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError || error instanceof RangeError) {
      throw new BrokerError("invalid-argument", `The message is not valid AMQP: ${error.message}.`);
    }
    throw error;
  }
}

export function tooLarge(bytes: number): BrokerError {
  return new BrokerError(
    "message-too-large",
    `The received message (${bytes} bytes) exceeds the limit of ${MAX_MESSAGE_BYTES} bytes for one message (${MAX_BATCH_BYTES} bytes for a batch).`,
  );
}
