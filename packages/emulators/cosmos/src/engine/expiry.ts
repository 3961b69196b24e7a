import type { Account } from "./account";
import type { Container } from "./container";

/** Expired documents are invisible immediately; a purge only frees their memory. */
const PURGE_EVERY_MS = 2000;
/** A purge stops after this many documents and continues the next time, to keep replies quick. */
const MAX_PURGED = 2000;

/** Removes expired documents of a container; returns how many. */
function purgeExpired(container: Container, nowMs: number, limit = MAX_PURGED): number {
  if (!container.isLoaded || !container.expires) return 0;
  let purged = 0;
  for (const partition of container.partitions.values()) {
    for (const document of partition.documents.values()) {
      if (!container.isExpired(document, nowMs)) continue;
      container.discard(partition, document);
      purged += 1;
      if (purged >= limit) return purged;
    }
  }
  return purged;
}

/** Purges in the background until stopped. */
export function startPurging(account: Account, nowMs: () => number): () => void {
  const timer = setInterval(() => {
    for (const container of account.containers()) purgeExpired(container, nowMs());
  }, PURGE_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
