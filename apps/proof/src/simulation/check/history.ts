/**
 * What really happened, written down outside the product as it happens: what queues accepted and gave away for good,
 * what the target committed, what agents reported. Some promises can be broken at one moment only; those are checked
 * here, at that moment. The first violation ends the run.
 */
import {
  entityKey,
  type LedgerEntry,
  type ResultMessage,
  RESULT_MESSAGE_TYPE,
  eventAttribute,
  type WorkMessage,
  WORK_MESSAGE_TYPE,
  type WorkItem,
} from "@postern/contracts";
import type { QueuedMessage } from "../services/fake-queue";
import type { FakeTarget, TargetRow } from "../services/fake-target";

export interface AcceptedWork {
  readonly messageId: string;
  readonly version: number;
  readonly items: readonly WorkItem[];
}

export class History {
  readonly work = new Map<string, AcceptedWork>();
  readonly violations: string[] = [];
  readonly lines: string[] = [];
  readonly #keepLines: boolean;
  readonly #now: () => number;
  readonly #hashes = new Map<string, string>();
  readonly #reported = new Set<string>();
  readonly #ledger = new Map<string, number>();
  readonly #versions = new Map<string, number>();
  #target: FakeTarget | undefined;
  itemsSent = 0;
  commits = 0;
  /** Deletes of users and groups, and disables, that reached the target. */
  readonly removals = new Set<string>();

  constructor(now: () => number, keepLines: boolean) {
    this.#now = now;
    this.#keepLines = keepLines;
  }

  watch(target: FakeTarget): void {
    this.#target = target;
  }

  /** A line that costs something to make is given as what makes it. */
  readonly note = (line: string | (() => string)): void => {
    if (!this.#keepLines) return;
    const text = typeof line === "string" ? line : line();
    this.lines.push(`${(this.#now() / 1_000).toFixed(3)} ${text}`);
  };

  violate(what: string): void {
    this.violations.push(what);
    this.note(`VIOLATION ${what}`);
  }

  readonly accepted = (message: QueuedMessage): void => {
    const type = eventAttribute(message.properties, "type");
    if (type === WORK_MESSAGE_TYPE) this.#acceptedWork(message);
    else if (type === RESULT_MESSAGE_TYPE) this.#acceptedResult(message);
    else this.note(`accepted ${message.queue} ${message.messageId}`);
  };

  readonly completed = (message: QueuedMessage): void => {
    this.note(`completed ${message.queue} ${message.messageId}`);
    if (!this.work.has(message.messageId) || message.queue.endsWith("$DeadLetterQueue")) return;
    if (this.#reported.has(message.messageId)) return;
    this.violate(`settled before it was reported: ${message.messageId}`);
  };

  readonly deadLettered = (message: QueuedMessage, code: string): void => {
    this.note(`dead-lettered ${message.queue} ${message.messageId} ${code}`);
    this.violate(`${message.queue}: ${message.messageId} went to the dead letters: ${code}`);
  };

  committed(key: string, item: WorkItem, before: TargetRow | undefined, by: string): void {
    this.commits += 1;
    this.note(`committed ${item.itemId} ${item.desired} by ${by} ${JSON.stringify(item.values)}`);
    const last = this.#versions.get(key) ?? 0;
    if (item.version <= last)
      this.violate(`${key}: version ${item.version} committed after ${last}`);
    this.#versions.set(key, item.version);
    if (item.entity.type === "membership") return;
    const disabled = before?.values["enabled"] === true && item.values["enabled"] === false;
    if ((item.desired === "absent" && before !== undefined) || disabled)
      this.removals.add(item.itemId);
  }

  ledgerWritten({ id, applied }: LedgerEntry): void {
    const before = this.#ledger.get(id);
    if (applied === undefined) {
      if (before !== undefined) this.violate(`ledger of ${id} forgot ${before}`);
      return;
    }
    if (before !== undefined && applied.version < before) {
      this.violate(`ledger of ${id} went from ${before} back to ${applied.version}`);
    }
    this.#ledger.set(id, applied.version);
    const held = this.#target?.inbox.get(id);
    if (held === undefined || (held.version < applied.version && held.hash !== applied.hash)) {
      this.violate(`ledger of ${id} says ${applied.version}, the target does not have it`);
    }
  }

  #acceptedWork(message: QueuedMessage): void {
    // The receiver checks its shape.
    const { version, items } = message.body as WorkMessage;
    this.note(
      `accepted work ${message.messageId} ${items.map(({ itemId, desired }) => `${itemId} ${desired}`).join(", ")}`,
    );
    const known = this.work.get(message.messageId);
    if (known === undefined) this.itemsSent += items.length;
    this.work.set(message.messageId, { messageId: message.messageId, version, items });
    for (const { itemId, hash } of items) {
      const before = this.#hashes.get(itemId);
      if (before !== undefined && before !== hash)
        this.violate(`two contents under one version: ${itemId}`);
      this.#hashes.set(itemId, hash);
    }
  }

  #acceptedResult(message: QueuedMessage): void {
    const { results, agent } = message.body as ResultMessage;
    for (const { workMessageId, items } of results) {
      this.note(
        `reported ${workMessageId} by ${agent} ${items.map(({ entity, outcome, code }) => `${entity.id} ${outcome} ${code ?? ""}`).join(", ")}`,
      );
      this.#reported.add(workMessageId);
      const sent = this.work.get(workMessageId);
      if (sent === undefined) {
        this.violate(`a result of a message that was never sent: ${workMessageId}`);
        continue;
      }
      if (sent.items.length !== items.length)
        this.violate(`not every item is reported: ${workMessageId}`);
      for (const [index, { itemId, outcome, code }] of items.entries()) {
        const item = sent.items[index];
        if (item === undefined || item.itemId !== itemId) {
          this.violate(`result ${index} of ${workMessageId} is of another item`);
          continue;
        }
        this.#checkOutcome(item, outcome, code);
      }
    }
  }

  /** Is what is reported true at this moment? */
  #checkOutcome(item: WorkItem, outcome: string, code: string | undefined): void {
    const key = entityKey(item.entity);
    const held = this.#target?.inbox.get(key);
    const newer = held !== undefined && held.version > item.version;
    const recorded = this.#ledger.get(key) ?? 0;
    const lie = (): void => this.violate(`reported ${outcome}, which it is not: ${item.itemId}`);
    if ((outcome === "applied" || outcome === "unchanged") && recorded < item.version) {
      this.violate(`reported ${outcome} before the ledger knew: ${item.itemId}`);
    }
    switch (outcome) {
      case "applied":
        if (!newer && held?.version !== item.version && held?.hash !== item.hash) lie();
        return;
      case "unchanged":
        if (!newer && held?.hash !== item.hash) lie();
        return;
      case "superseded":
        if (!newer && (this.#ledger.get(key) ?? 0) <= item.version) lie();
        return;
      case "waiting":
        return;
      case "dead-lettered":
        if (code === "retries-exhausted" || this.#target?.refusals.has(item.itemId) === true)
          return;
        this.violate(`an item without a fault became a dead letter: ${item.itemId} ${code ?? ""}`);
        return;
      default:
        lie();
    }
  }
}
