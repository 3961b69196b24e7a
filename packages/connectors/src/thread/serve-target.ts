/**
 * Everything that a target's thread does. It may block for as long as the target does, without effect on the agent's
 * loop, which renews locks and serves the other targets.
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

/** A target in its own thread: one that is stopped by a shared flag. */
interface ServedTarget {
  readonly probe: (options: { readonly signal: AbortSignal }) => Promise<ProbeResult>;
  readonly apply: (
    items: readonly ApplyItem[],
    options: { readonly signal: StopSignal },
  ) => Promise<readonly ApplyResult[]>;
  readonly close: () => Promise<void>;
}

/** Opens the target inside the thread. */
export type OpenServedTarget = (start: ThreadStart, listeners: ThreadListeners) => ServedTarget;

export interface ThreadListeners {
  readonly onStatement: StatementSink;
  /** Called each time a statement returns or fails. */
  readonly onReturned: () => void;
}

const never = new AbortController().signal;

/** Serves the thread's target until a `close` message arrives, then ends the thread. */
export function serveTarget(open: OpenServedTarget): void {
  const port = parentPort;
  invariant(port, "a target is served in a worker thread");
  const spansOf = new AsyncLocalStorage<StatementSpan[] | undefined>();
  const { start, pulse: pulseCell } = workerData as ThreadData;
  const pulse = new Pulse(pulseCell);
  const target = open(start, {
    onStatement: (span) => spansOf.getStore()?.push(span),
    onReturned: () => pulse.beat(),
  });
  const send = (message: FromThread): void => port.postMessage(message);

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
    switch (message.type) {
      case "call": {
        const { id, call } = message;
        void answer(call)
          .catch((error: unknown): ThreadAnswer => ({ answer: "failed", error: packError(error) }))
          .then((given) => send({ type: "answer", id, answer: given }));
        return;
      }
      case "close":
        void target
          .close()
          .catch(() => undefined)
          .finally(() => process.exit(0));
    }
  });
  send({ type: "ready" });
}
