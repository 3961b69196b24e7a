/** What the agent's thread and a target's thread say to each other. Both are of one build: there is no version. */
import type { ApplyItem, ApplyResult, ProbeResult } from "../connector";
import type { StatementSpan } from "../tracing/statement-span";
import type { CarriedError } from "./carried-error";
import type { PulseCell } from "./pulse";
import type { StopCell } from "./stop-flag";

/** What a thread is to serve. */
export interface ThreadStart {
  readonly name: string;
  /** As the thread's program takes them, without a class instance: none survives the way. */
  readonly settings: unknown;
}

/** What a thread is started with. */
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
      /** Whether spans of the statements are wanted back. */
      readonly traced: boolean;
    };

export type ThreadAnswer =
  | { readonly answer: "probed"; readonly result: ProbeResult }
  | {
      readonly answer: "applied";
      readonly results: readonly ApplyResult[];
      readonly spans: readonly StatementSpan[];
    }
  /** The flag was up before the commit: nothing was written. */
  | { readonly answer: "stopped"; readonly spans: readonly StatementSpan[] }
  | { readonly answer: "failed"; readonly error: CarriedError };

export type ToThread =
  | { readonly say: "call"; readonly id: number; readonly call: ThreadCall }
  | { readonly say: "close" };

/** `ready` comes first and once. */
export type FromThread =
  | { readonly say: "ready" }
  | { readonly say: "answer"; readonly id: number; readonly answer: ThreadAnswer };
