/**
 * A target's own thread: the whole of what such a thread does. It may stand still for as long as the target likes; the
 * agent's loop, which renews locks and serves the other targets, does not notice.
 */
import { invariant } from "@postern/contracts";
import { AsyncLocalStorage } from "node:async_hooks";
import { parentPort, workerData } from "node:worker_threads";
import type { ProbeResult, ApplyItem, ApplyResult, StopSignal } from "../connector";
import { openSqliteTarget } from "../sql/sqlite/sqlite-target";
import type { ThreadSettings } from "../sql/sqlite/thread-settings";
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

/** What a driver offers in its thread. */
interface ServedTarget {
  readonly probe: (options: { readonly signal: AbortSignal }) => Promise<ProbeResult>;
  readonly apply: (
    items: readonly ApplyItem[],
    options: { readonly signal: StopSignal },
  ) => Promise<readonly ApplyResult[]>;
  readonly close: () => Promise<void>;
}

const never = new AbortController().signal;

function open(
  { driver, name, settings }: ThreadStart,
  pulse: Pulse,
  onStatement: StatementSink,
): ServedTarget {
  switch (driver) {
    case "sqlite":
      // Written by the sql connector in the agent's thread; both are of one build.
      return openSqliteTarget(name, settings as ThreadSettings, {
        onStatement,
        onReturned: () => pulse.beat(),
      });
  }
}

/** Serves the target that the thread was started for, until it is told to close. Ends the thread then. */
export function serveTarget(): void {
  const port = parentPort;
  invariant(port, "a target is served in a thread of its own");
  const spansOf = new AsyncLocalStorage<StatementSpan[] | undefined>();
  const { start, pulse } = workerData as ThreadData;
  const target = open(start, new Pulse(pulse), (span) => spansOf.getStore()?.push(span));
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
