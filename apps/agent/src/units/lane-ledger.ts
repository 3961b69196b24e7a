/**
 * The ledger as one unit uses it: the entries of its lane, accessed only while the lane is held, with the time spent.
 */
import { agentPoint, type Lane } from "@postern/contracts";
import type { Clock } from "@postern/runtime";
import type { Ledger, LedgerWrite } from "../ports/ledger";
import { assertHeld, type HeldGuard } from "./held-guard";
import type { LedgerRecords } from "./unit-round";

export class LaneLedger {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #lane: Lane;
  readonly #guard: HeldGuard;
  #spentMs = 0;

  constructor(
    { ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock },
    lane: Lane,
    guard: HeldGuard,
  ) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#lane = lane;
    this.#guard = guard;
  }

  /** Milliseconds spent in requests. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** @throws OutageError `lock-lost` when the lane is no longer held; others of the ledger */
  async read(keys: readonly string[]): Promise<LedgerRecords> {
    assertHeld(this.#guard);
    const began = this.#clock.monotonicMs();
    const records = await this.#ledger.read(this.#lane, keys, this.#guard.signal);
    this.#spentMs += this.#clock.monotonicMs() - began;
    return records;
  }

  /** @throws OutageError `lock-lost` when the lane is no longer held; others of the ledger */
  async write(writes: readonly LedgerWrite[]): Promise<"written" | "conflict"> {
    assertHeld(this.#guard);
    const began = this.#clock.monotonicMs();
    agentPoint("before-ledger");
    const written = await this.#ledger.write(this.#lane, writes, this.#guard.signal);
    agentPoint("after-ledger");
    this.#spentMs += this.#clock.monotonicMs() - began;
    return written;
  }
}
