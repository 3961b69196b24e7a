import { z } from "zod";

/**
 * What an emulator can be made to do wrong.
 *
 * - `delay`: carry the operation out, `delayMs` later.
 * - `cut`: drop the connection without carrying the operation out.
 * - `refuse`: return an error of the service (not retryable unless the service says so).
 * - `throttle`: reply as the service does when it throttles, with `retryAfterMs`.
 * - `lose-reply`: carry the operation out, then drop the connection instead of replying.
 */
export const FaultKind = z.enum(["delay", "cut", "refuse", "throttle", "lose-reply"]);
export type FaultKind = z.infer<typeof FaultKind>;

export const Fault = z.strictObject({
  kind: FaultKind,
  /** Operations it applies to, as named in the emulator's README; `*` stands for any run of characters. */
  operation: z.string().max(200).default("*"),
  /** Resources (queue, container, path) it applies to; `*` stands for any run of characters. */
  resource: z.string().max(500).default("*"),
  /** How many times it strikes before it is spent. Unlimited when absent. */
  times: z.int().min(1).max(1_000_000_000).optional(),
  /** How many matching operations pass before the first strike. */
  after: z.int().min(0).max(1_000_000_000).default(0),
  /** Chance of a strike at each matching operation, 0 to 1. */
  probability: z.number().min(0).max(1).default(1),
  delayMs: z.int().min(0).max(3_600_000).default(1000),
  retryAfterMs: z.int().min(0).max(3_600_000).default(1000),
  /** Status code of a refusal, where the service has status codes. */
  status: z.int().min(400).max(599).optional(),
});
export type Fault = z.infer<typeof Fault>;
export type FaultInput = z.input<typeof Fault>;

interface ArmedFault {
  readonly id: string;
  readonly fault: Fault;
  readonly matches: (operation: string, resource: string) => boolean;
  skipped: number;
  struck: number;
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*");
  return new RegExp(`^${escaped}$`, "i");
}

/** The faults that are armed in one emulator. `take` is called once for each operation, before it is carried out. */
export class FaultPlan {
  readonly #armed = new Map<string, ArmedFault>();
  readonly #random: () => number;
  #nextId = 1;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Arms a fault and returns its id. */
  add(input: FaultInput): string {
    const fault = Fault.parse(input);
    const operation = wildcard(fault.operation);
    const resource = wildcard(fault.resource);
    const id = String(this.#nextId++);
    this.#armed.set(id, {
      id,
      fault,
      matches: (o, r) => operation.test(o) && resource.test(r),
      skipped: 0,
      struck: 0,
    });
    return id;
  }

  remove(id: string): boolean {
    return this.#armed.delete(id);
  }

  clear(): void {
    this.#armed.clear();
  }

  list(): { id: string; fault: Fault; struck: number }[] {
    return [...this.#armed.values()].map(({ id, fault, struck }) => ({ id, fault, struck }));
  }

  /** Returns the fault that strikes this operation, if any, and counts it. */
  take(operation: string, resource: string): Fault | undefined {
    if (this.#armed.size === 0) return undefined;
    for (const armed of this.#armed.values()) {
      if (!armed.matches(operation, resource)) continue;
      if (armed.skipped < armed.fault.after) {
        armed.skipped += 1;
        continue;
      }
      if (armed.fault.probability < 1 && this.#random() >= armed.fault.probability) continue;
      armed.struck += 1;
      if (armed.fault.times !== undefined && armed.struck >= armed.fault.times) {
        this.#armed.delete(armed.id);
      }
      return armed.fault;
    }
    return undefined;
  }
}
