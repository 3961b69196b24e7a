/** A link on which a client sends messages to a queue. */
import type { IncomingMessage } from "../../engine/model/queue-message";
import type { Queue } from "../../engine/queue/queue";
import type { ClientConnection } from "../connection/client-connection";
import { refusalOf } from "../connection/conditions";
import { underFaults } from "../connection/faults";
import { readBatch, readMessage } from "../messages/message-content";
import {
  MAX_BATCH_BYTES,
  MAX_MESSAGE_BYTES,
  readChecked,
  tooLarge,
} from "../messages/message-limits";
import { ACCEPTED, rejected, type RheaDelivery, type RheaLink } from "../rhea/rhea";
import { openIncomingLink } from "./incoming-link";

const BATCH_FORMAT = 0x80013700;

export function openSenderLink(connection: ClientConnection, link: RheaLink, queue: Queue): void {
  const { faults, statistics, store } = connection.services;
  // `createMessageBatch` of the SDK takes its limit from here.
  link.local.attach.max_message_size = MAX_BATCH_BYTES;
  openIncomingLink(connection, link, (delivery, bytes) => {
    const refuse = (error: unknown): void => delivery.update(true, rejected(refusalOf(error)));
    underFaults(faults, connection, "send", queue.name, {
      run: (replies) => {
        try {
          const messages = readTransfer(delivery, bytes);
          queue.send(messages);
          statistics.messagesSent += messages.length;
        } catch (error) {
          return refuse(error);
        }
        store.after(() => {
          if (replies) delivery.update(true, ACCEPTED);
          else connection.drop();
        });
      },
      refuse,
    });
  });
}

function readTransfer({ format }: RheaDelivery, bytes: Buffer): IncomingMessage[] {
  const isBatch = format === BATCH_FORMAT;
  if (bytes.length > (isBatch ? MAX_BATCH_BYTES : MAX_MESSAGE_BYTES)) throw tooLarge(bytes.length);
  const messages = readChecked(() => (isBatch ? readBatch(bytes) : [readMessage(bytes)]));
  for (const { content } of messages) {
    if (content.length > MAX_MESSAGE_BYTES) throw tooLarge(content.length);
  }
  return messages;
}
