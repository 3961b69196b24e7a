/** Messages between the agent's thread and a target's thread. Both come from the same build, so there is no version. */
import type { ApplyItem, ApplyResult, ProbeResult } from "../connector";
import type { StatementSpan } from "../tracing/statement-span";
import type { CarriedError } from "./carried-error";
import type { PulseCell } from "./pulse";
import type { StopCell } from "./stop-flag";

/** The target that a thread serves. */
export interface ThreadStart {
  readonly name: string;
  /** In the form that the thread's program expects. A message cannot carry a class instance. */
  readonly settings: unknown;
}

/** The data that a thread starts with. */
export interface ThreadData {
  readonly start: ThreadStart;
  readonly pulse: PulseCell;
}

export type ThreadCall =
  | { readonly call: "probe" }
  | {
      readonly call: "apply";
      readonly items: readonly ApplyItem[];
      readonly stop: StopCell;
      /** Whether to return spans of the statements. */
      readonly traced: boolean;
    };

export type ThreadAnswer =
  | { readonly answer: "probed"; readonly result: ProbeResult }
  | {
      readonly answer: "applied";
      readonly results: readonly ApplyResult[];
      readonly spans: readonly StatementSpan[];
    }
  /** The flag was raised before the commit: nothing was written. */
  | { readonly answer: "stopped"; readonly spans: readonly StatementSpan[] }
  | { readonly answer: "failed"; readonly error: CarriedError };

export type ToThread =
  | { readonly type: "call"; readonly id: number; readonly call: ThreadCall }
  | { readonly type: "close" };

/** The first message is `ready`, which is sent once. */
export type FromThread =
  | { readonly type: "ready" }
  | { readonly type: "answer"; readonly id: number; readonly answer: ThreadAnswer };
