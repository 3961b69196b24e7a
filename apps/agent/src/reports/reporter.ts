/**
 * Sends results. A report is sent immediately while fewer than two sends are pending; reports that arrive meanwhile
 * go out together with the next send. So a single report does not wait, and a hundred that finish together become a few
 * messages.
 *
 * Lane runners call it, and settle a message only after `report` has resolved. It never retries: a failed report leaves
 * its messages unsettled, they come again, and the ledger yields the same outcomes.
 */
import { type Clock, spanCauses, type SpanHandle, type Tracing } from "@postern/runtime";
import type { Broker, OutgoingMessage } from "../ports/broker";
import { packResults, type ReportedWork, type ResultSource } from "./result-packing";
import { limits } from "@postern/contracts";

const MOST_SENDS = 2;

interface Waiting {
  readonly work: ReportedWork;
  readonly traceparent: string | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface ReporterDependencies {
  readonly clock: Clock;
  readonly broker: Broker;
  readonly tracing: Tracing;
  readonly queue: string;
  readonly source: ResultSource;
}

export class Reporter {
  readonly #dependencies: ReporterDependencies;
  #waiting: Waiting[] = [];
  #sends = 0;
  #messagesSent = 0;

  constructor(dependencies: ReporterDependencies) {
    this.#dependencies = dependencies;
  }

  get messagesSent(): number {
    return this.#messagesSent;
  }

  /** Resolves when the broker has accepted the results. @throws OutageError */
  report(work: ReportedWork, traceparent: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, traceparent, resolve, reject });
      this.#pump();
    });
  }

  /** Resolves when the broker has accepted the message, which is sent on its own. @throws OutageError */
  async park(message: OutgoingMessage): Promise<void> {
    await this.#dependencies.broker.send(this.#dependencies.queue, [message]);
    this.#messagesSent += 1;
  }

  #pump(): void {
    while (this.#sends < MOST_SENDS && this.#waiting.length > 0) {
      const batch = this.#take();
      this.#sends += 1;
      void this.#send(batch)
        .then(
          () => batch.forEach(({ resolve }) => resolve()),
          (error: unknown) => batch.forEach(({ reject }) => reject(error)),
        )
        .finally(() => {
          this.#sends -= 1;
          this.#pump();
        });
    }
  }

  /** Takes as many as one message may hold; at least one, however large. */
  #take(): Waiting[] {
    let results = 0;
    let taken = 0;
    for (const { work } of this.#waiting) {
      results += work.results.length;
      if (taken > 0 && results > limits.messagesPerResult) break;
      taken += 1;
    }
    return this.#waiting.splice(0, taken);
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const { clock, broker, tracing, queue, source } = this.#dependencies;
    const parents = batch.map(({ traceparent }) => traceparent);
    await tracing.span("report", spanCauses(parents), async (span: SpanHandle) => {
      const messages = packResults(
        batch.map(({ work }) => work),
        source,
        { wallMs: clock.wallMs(), traceparent: span.traceparent ?? parents[0] },
      );
      span.set({ "postern.messages": messages.length, "postern.units": batch.length });
      await broker.send(queue, messages);
      this.#messagesSent += messages.length;
    });
  }
}
