import type { KeyId, SecurityEvent } from "@postern/contracts";

/** Where what does not prove itself is told to people. */
export interface SecurityEvents {
  /**
   * Counts the events, and keeps the first of each group, kind and minute. Returns for each whether it is kept: one
   * that was kept before (the same id) still is.
   *
   * @throws ServiceUnavailable
   */
  record(events: readonly SecurityEvent[]): Promise<readonly boolean[]>;
  /**
   * Events of all groups with a message that waits for one of these keys, oldest first; at most `limit`. Those that
   * wait for another key are not read: a sender that invents keys must not stand before the others.
   */
  pending(keys: readonly KeyId[], limit: number): Promise<readonly SecurityEvent[]>;
  /** Takes the message away from an event that has been judged. */
  settle(event: SecurityEvent): Promise<void>;
}
