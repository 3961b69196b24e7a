/**
 * Renews the lock of a message while it is in hand, and no longer.
 *
 * The SDK's own renewal does not stop for a message that it failed to settle after the message's link was gone: such a
 * message would stay locked, and so invisible, for all of maxAutoLockRenewalDuration.
 */
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";

/** Shorter locks are not renewed more often than this: each renewal is a request. */
const LEAST_PAUSE_MS = 250;

/**
 * Renews half-way through the lock, for at most `longestMs`, until `handle` has ended. A lost message is redelivered.
 */
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
