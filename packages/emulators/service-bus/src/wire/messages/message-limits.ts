import { BrokerError } from "../../engine/model/broker-error";
import { WireError } from "./amqp-value";

/** Limit of the Standard tier for one message. */
export const MAX_MESSAGE_BYTES = 256 * 1024;
/** Limit of the Standard tier for a batch. */
export const MAX_BATCH_BYTES = 1024 * 1024;

/** Runs a reader of message bytes; bytes that it cannot read are the client's mistake. */
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
