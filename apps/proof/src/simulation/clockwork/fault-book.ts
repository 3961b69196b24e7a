/**
 * Faults as data: what, to whom, when. The plan of a seed is a list of them, so that a failing seed can be made smaller
 * by leaving some out. A fault of an operation waits, once its time has come, for the next operation that it fits.
 */
export type Service = "cosmos" | "broker" | "graph" | "target";

export type OperationEffect =
  /** Not carried out; the caller gets an error after a while. */
  | "refuse"
  /** Carried out; the caller hears of a failure. */
  | "lose-reply"
  /** Carried out, but the client retries and conflicts with its own first attempt. */
  | "conflict-with-itself"
  /** On its way for long. */
  | "delay"
  /** Not carried out; the caller gets a time to retry after. */
  | "throttle"
  /** Of several, some are carried out. */
  | "half"
  /** What is read is as it was a moment ago. */
  | "stale"
  /** The delta token has expired. */
  | "expire"
  /** One item of a batch is the victim of a deadlock. */
  | "deadlock"
  /** The broker forgets that the message was settled. */
  | "forget";

export type Fault =
  | {
      readonly kind: "operation";
      readonly atMs: number;
      readonly service: Service;
      readonly operation: string | undefined;
      readonly effect: OperationEffect;
      readonly durationMs: number;
    }
  | {
      readonly kind: "crash" | "stop" | "pause";
      readonly atMs: number;
      readonly process: string;
      readonly durationMs: number;
    }
  /** The process is killed at the next operation of that kind, before or after it is carried out. */
  | {
      readonly kind: "crash-at";
      readonly atMs: number;
      readonly process: string;
      readonly operation: string;
      readonly when: "before" | "after";
      readonly durationMs: number;
    }
  | {
      readonly kind: "clock-step";
      readonly atMs: number;
      readonly process: string;
      readonly byMs: number;
    }
  | { readonly kind: "lose-lock"; readonly atMs: number; readonly told: boolean }
  | { readonly kind: "redeliver"; readonly atMs: number; readonly delayMs: number }
  | { readonly kind: "forget-duplicates"; readonly atMs: number }
  | { readonly kind: "target-down"; readonly atMs: number; readonly durationMs: number }
  | {
      readonly kind: "target-slow";
      readonly atMs: number;
      readonly durationMs: number;
      readonly byMs: number;
    }
  | {
      readonly kind: "graph-slow";
      readonly atMs: number;
      readonly durationMs: number;
      readonly byMs: number;
    }
  | {
      readonly kind: "outage";
      readonly atMs: number;
      readonly service: Service;
      readonly durationMs: number;
    };

export type OperationFault = Extract<Fault, { kind: "operation" }>;
type CrashPoint = Extract<Fault, { kind: "crash-at" }>;

export class FaultBook {
  readonly #armed: OperationFault[] = [];
  readonly #crashes: CrashPoint[] = [];
  readonly #outages = new Map<Service, number>();
  readonly struck = new Map<string, number>();

  arm(fault: OperationFault): void {
    this.#armed.push(fault);
  }

  armCrash(fault: CrashPoint): void {
    this.#crashes.push(fault);
  }

  note(what: string): void {
    this.struck.set(what, (this.struck.get(what) ?? 0) + 1);
  }

  beginOutage(service: Service, untilMs: number): void {
    this.#outages.set(service, untilMs);
  }

  isOut(service: Service, nowMs: number): boolean {
    return (this.#outages.get(service) ?? 0) > nowMs;
  }

  /** The fault that this operation meets, if any; it is used up by that. */
  take(service: Service, operation: string): OperationFault | undefined {
    const index = this.#armed.findIndex(
      (fault) =>
        fault.service === service &&
        (fault.operation === undefined || fault.operation === operation),
    );
    if (index < 0) return undefined;
    const [fault] = this.#armed.splice(index, 1);
    if (fault !== undefined) this.note(`${service} ${operation}: ${fault.effect}`);
    return fault;
  }

  takeCrash(process: string, operation: string): CrashPoint | undefined {
    const index = this.#crashes.findIndex(
      (fault) => fault.process === process && fault.operation === operation,
    );
    if (index < 0) return undefined;
    const [fault] = this.#crashes.splice(index, 1);
    if (fault !== undefined) this.note(`crash ${fault.when} ${operation}`);
    return fault;
  }

  /** Nothing fails from here on. */
  heal(): void {
    this.#armed.length = 0;
    this.#crashes.length = 0;
    this.#outages.clear();
  }
}
