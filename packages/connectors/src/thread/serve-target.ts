/**
 * A target's own thread: the whole of what such a thread does. It may stand still for as long as the target likes; the
 * agent's loop, which renews locks and serves the other targets, does not notice.
 */
import { invariant } from "@postern/contracts";
import { AsyncLocalStorage } from "node:async_hooks";
import { parentPort, workerData } from "node:worker_threads";
import type { ProbeResult, ApplyItem, ApplyResult, StopSignal } from "../connector";
import type { StatementSink, StatementSpan } from "../tracing/statement-span";
import { packError } from "./carried-error";
import type {
  FromThread,
  ThreadAnswer,
  ThreadCall,
  ThreadData,
  ThreadStart,
  ToThread,
} from "./messages";
import { Pulse } from "./pulse";
import { StopFlag } from "./stop-flag";

/** What a thread serves. */
interface ServedTarget {
  readonly probe: (options: { readonly signal: AbortSignal }) => Promise<ProbeResult>;
  readonly apply: (
    items: readonly ApplyItem[],
    options: { readonly signal: StopSignal },
  ) => Promise<readonly ApplyResult[]>;
  readonly close: () => Promise<void>;
}

/** What the program of a thread opens, in that thread. */
export type OpenServedTarget = (start: ThreadStart, listeners: ThreadListeners) => ServedTarget;

export interface ThreadListeners {
  readonly onStatement: StatementSink;
  /** A statement of whatever kind has come back from the driver, also in failure. */
  readonly onReturned: () => void;
}

const never = new AbortController().signal;

/** Serves the target that the thread was started for, until it is told to close. Ends the thread then. */
export function serveTarget(open: OpenServedTarget): void {
  const port = parentPort;
  invariant(port, "a target is served in a thread of its own");
  const spansOf = new AsyncLocalStorage<StatementSpan[] | undefined>();
  const { start, pulse: pulseCell } = workerData as ThreadData;
  const pulse = new Pulse(pulseCell);
  const target = open(start, {
    onStatement: (span) => spansOf.getStore()?.push(span),
    onReturned: () => pulse.beat(),
  });
  const say = (message: FromThread): void => port.postMessage(message);

  const answer = async (call: ThreadCall): Promise<ThreadAnswer> => {
    if (call.call === "probe") {
      return { answer: "probed", result: await target.probe({ signal: never }) };
    }
    const spans: StatementSpan[] = [];
    const signal = new StopFlag(call.stop);
    try {
      const results = await spansOf.run(call.traced ? spans : undefined, () =>
        target.apply(call.items, { signal }),
      );
      return { answer: "applied", results, spans };
    } catch (error) {
      if (error === signal.reason) return { answer: "stopped", spans };
      throw error;
    }
  };

  port.on("message", (message: ToThread) => {
    switch (message.say) {
      case "call": {
        const { id, call } = message;
        void answer(call)
          .catch((error: unknown): ThreadAnswer => ({ answer: "failed", error: packError(error) }))
          .then((given) => say({ say: "answer", id, answer: given }));
        return;
      }
      case "close":
        void target
          .close()
          .catch(() => undefined)
          .finally(() => process.exit(0));
    }
  });
  say({ say: "ready" });
}
