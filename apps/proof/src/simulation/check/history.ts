/**
 * What really happened, written down outside the product as it happens: what queues accepted and gave away for good,
 * what the target committed, what agents reported. Some promises can be broken at one moment only; those are checked
 * here, at that moment. The first violation ends the run.
 */
import {
  type DefinitionId,
  entityKey,
  type LedgerEntry,
  type OutcomeCounts,
  type ReportPart,
  stampedParts,
  type ResultMessage,
  RESULT_MESSAGE_TYPE,
  eventAttribute,
  type WorkMessage,
  WORK_MESSAGE_TYPE,
  type WorkItem,
} from "@postern/contracts";
import type { QueuedMessage } from "../services/fake-queue";
import type { FakeTarget, TargetRow } from "../services/fake-target";
import { BEGINNING_MS } from "../clockwork/timeline";
import { provenanceProblems } from "./provenance";

export interface AcceptedWork {
  readonly messageId: string;
  /** As the cloud sent it. */
  readonly message: WorkMessage;
  readonly version: number;
  readonly items: readonly WorkItem[];
  /** As it is reported. */
  readonly parts: readonly ReportPart[];
}

/** What the histories of one world share: one list of lines, and the first violation of either ends the run. */
export class Journal {
  readonly lines: string[] = [];
  readonly violations: string[] = [];
}

export interface HistoryOptions {
  /** Simulated Unix milliseconds. */
  readonly now: () => number;
  readonly keepLines: boolean;
  readonly journal: Journal;
  readonly definition: DefinitionId;
  /** The last version that the cloud gave out for the definition. */
  readonly issued: () => number;
  /** Whether the hostile agent acts at this moment: it may settle and report what it likes. */
  readonly intruding: () => boolean;
  /** Work of before the world began. */
  readonly before: readonly WorkMessage[];
}

export class History {
  readonly work = new Map<string, AcceptedWork>();
  /** What honest agents reported of a message (or a part of one), each time. */
  readonly honest = new Map<string, OutcomeCounts[]>();
  readonly #options: HistoryOptions;
  readonly #hashes = new Map<string, string>();
  readonly #firstSentMs = new Map<string, number>();
  readonly #parts = new Map<string, readonly WorkItem[]>();
  readonly #reported = new Set<string>();
  readonly #ledger = new Map<string, number>();
  readonly #versions = new Map<string, number>();
  #target: FakeTarget | undefined;
  itemsSent = 0;
  commits = 0;
  /** Deletes of users and groups, and disables, that reached the target. */
  readonly removals = new Set<string>();

  constructor(options: HistoryOptions) {
    this.#options = options;
    for (const message of options.before) this.#remember(message.messageId, message, -Infinity);
  }

  get violations(): readonly string[] {
    return this.#options.journal.violations;
  }

  get lines(): readonly string[] {
    return this.#options.journal.lines;
  }

  watch(target: FakeTarget): void {
    this.#target = target;
  }

  /** A line that costs something to make is given as what makes it. */
  readonly note = (line: string | (() => string)): void => {
    const { keepLines, journal, now } = this.#options;
    if (!keepLines) return;
    const text = typeof line === "string" ? line : line();
    journal.lines.push(`${((now() - BEGINNING_MS) / 1_000).toFixed(3)} ${text}`);
  };

  violate(what: string): void {
    this.#options.journal.violations.push(what);
    this.note(`VIOLATION ${what}`);
  }

  readonly accepted = (message: QueuedMessage): void => {
    if (this.#options.intruding()) {
      this.note(`intruder sends ${message.queue} ${message.messageId}`);
      return;
    }
    const type = eventAttribute(message.properties, "type");
    if (type === WORK_MESSAGE_TYPE) this.#acceptedWork(message);
    else if (type === RESULT_MESSAGE_TYPE) this.#acceptedResult(message);
    else this.note(`accepted ${message.queue} ${message.messageId}`);
  };

  readonly completed = (message: QueuedMessage): void => {
    this.note(`completed ${message.queue} ${message.messageId}`);
    const work = this.work.get(message.messageId);
    if (work === undefined || message.queue.endsWith("$DeadLetterQueue")) return;
    if (this.#options.intruding()) return;
    if (work.parts.every(({ id }) => this.#reported.has(id))) return;
    this.violate(`settled before it was reported: ${message.messageId}`);
  };

  readonly deadLettered = (message: QueuedMessage, code: string): void => {
    this.note(`dead-lettered ${message.queue} ${message.messageId} ${code}`);
    if (this.#options.intruding()) return;
    this.violate(`${message.queue}: ${message.messageId} went to the dead letters: ${code}`);
  };

  committed(key: string, item: WorkItem, before: TargetRow | undefined, by: string): void {
    this.commits += 1;
    this.note(
      () => `committed ${item.itemId} ${item.desired} by ${by} ${JSON.stringify(item.values)}`,
    );
    if (this.#hashes.get(item.itemId) !== item.hash) {
      this.violate(`${key} was written from what the cloud did not send: ${item.itemId}`);
    }
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
    const work = message.body as WorkMessage;
    const { items } = work;
    this.note(
      () =>
        `accepted work ${message.messageId} ${items.map(({ itemId, desired }) => `${itemId} ${desired}`).join(", ")}`,
    );
    const { definition, issued, now } = this.#options;
    const problems = provenanceProblems(message, work, {
      definition,
      issued: issued(),
      nowMs: now(),
      firstSentMs: (itemId) => this.#firstSentMs.get(itemId),
    });
    for (const problem of problems) this.violate(problem);
    if (!this.work.has(message.messageId)) this.itemsSent += items.length;
    for (const { itemId, hash } of items) {
      const before = this.#hashes.get(itemId);
      if (before !== undefined && before !== hash)
        this.violate(`two contents under one version: ${itemId}`);
    }
    this.#remember(message.messageId, work, now());
    this.work.set(message.messageId, {
      messageId: message.messageId,
      message: work,
      version: work.version,
      items,
      parts: stampedParts(work),
    });
  }

  #remember(messageId: string, work: WorkMessage, nowMs: number): void {
    for (const { itemId, hash } of work.items) {
      this.#hashes.set(itemId, hash);
      if (!this.#firstSentMs.has(itemId)) this.#firstSentMs.set(itemId, nowMs);
    }
    for (const { id, from, to } of stampedParts(work))
      this.#parts.set(id, work.items.slice(from, to));
    this.note(() => `known ${messageId}`);
  }

  #acceptedResult(message: QueuedMessage): void {
    const { results, agent } = message.body as ResultMessage;
    for (const { workMessageId, items } of results) {
      this.note(
        () =>
          `reported ${workMessageId} by ${agent} ${items.map(({ entity, outcome, code }) => `${entity.id} ${outcome} ${code ?? ""}`).join(", ")}`,
      );
      this.#reported.add(workMessageId);
      const counts: Record<string, number> = {};
      for (const { outcome } of items) counts[outcome] = (counts[outcome] ?? 0) + 1;
      const reports = this.honest.get(workMessageId);
      if (reports === undefined) this.honest.set(workMessageId, [counts]);
      else reports.push(counts);
      const sent = this.#parts.get(workMessageId);
      if (sent === undefined) {
        this.violate(`a result of a message that was never sent: ${workMessageId}`);
        continue;
      }
      if (sent.length !== items.length)
        this.violate(`not every item is reported: ${workMessageId}`);
      for (const [index, { itemId, outcome, code }] of items.entries()) {
        const item = sent[index];
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
