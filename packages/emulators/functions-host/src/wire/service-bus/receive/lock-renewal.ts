/**
 * Keeps the lock of a message while it is in hand, and no longer.
 *
 * The SDK's own renewal does not stop for a message that it failed to settle after the message's link was gone: such a
 * message would stay locked for all of maxAutoLockRenewalDuration, seen by nobody.
 */
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";

/** A lock that is shorter is renewed this often all the same: each renewal is a request. */
const LEAST_PAUSE_MS = 250;

/** Renews half-way, for `longestMs` at most, until `handle` has ended. What cannot be renewed comes again. */
export async function whileRenewing(
  receiver: Pick<ServiceBusReceiver, "renewMessageLock">,
  message: ServiceBusReceivedMessage,
  longestMs: number,
  handle: () => Promise<void>,
): Promise<void> {
  const lastAt = performance.now() + longestMs;
  let inHand = true;
  let timer: NodeJS.Timeout | undefined;
  const renewBefore = (lockedUntil: Date | undefined): void => {
    if (lockedUntil === undefined) return;
    const pauseMs = Math.max(LEAST_PAUSE_MS, (lockedUntil.getTime() - Date.now()) / 2);
    timer = setTimeout(() => {
      if (performance.now() > lastAt) return;
      receiver.renewMessageLock(message).then(
        (until) => {
          if (inHand) renewBefore(until);
        },
        () => undefined,
      );
    }, pauseMs);
    timer.unref();
  };
  renewBefore(message.lockedUntilUtc);
  try {
    await handle();
  } finally {
    inHand = false;
    clearTimeout(timer);
  }
}
