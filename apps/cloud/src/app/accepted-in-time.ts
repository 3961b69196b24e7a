import { ServiceUnavailable, TimeLimitExceeded, withinTimeLimit } from "@postern/runtime";

/** How long a caller waits for a job to be sent. It is stored by then, and sent later if need be. */
const SEND_LIMIT_MS = 3_000;

/**
 * Waits for a send, but not for a broker that does not accept it. A send that succeeds later is harmless: its message
 * id is that of the send that repairs it.
 *
 * @throws ServiceUnavailable when the broker does not accept the messages in time
 */
export async function acceptedInTime<T>(send: Promise<T>): Promise<T> {
  try {
    return await withinTimeLimit(send, SEND_LIMIT_MS);
  } catch (error) {
    if (!(error instanceof TimeLimitExceeded)) throw error;
    throw new ServiceUnavailable("service-bus", "messages are not accepted in time", {
      cause: error,
    });
  }
}
