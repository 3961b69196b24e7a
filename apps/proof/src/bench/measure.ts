/**
 * One figure of the benchmark and the budget it is held against (docs/benchmarks.md says why each bar is where it is).
 */
export interface Measure {
  readonly name: MeasureName;
  readonly value: number;
  readonly unit: string;
  readonly budget: string;
  readonly ok: boolean;
}

interface Budget {
  readonly unit: string;
  /** Highest or lowest acceptable value; neither: reported only. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

const MB = 1;

export const budgets = {
  "agent-throughput-ratio-stubbed-ledger": { unit: "ratio", atLeast: 0.7 },
  "agent-throughput-ratio": { unit: "ratio", atLeast: 0.3 },
  "agent-items-per-second": { unit: "items/s", atLeast: 4_000 },
  "pickup-p50": { unit: "ms", atMost: 3 },
  "pickup-p99": { unit: "ms", atMost: 15 },
  "pickup-from-send-p50": { unit: "ms" },
  "pickup-from-send-p99": { unit: "ms" },
  "pickup-to-bare": { unit: "ratio" },
  "pickup-first": { unit: "ms" },
  "pickup-fresh-p50": { unit: "ms" },
  "pickup-fresh-p99": { unit: "ms" },
  "cosmos-requests-per-item-backlog": { unit: "requests", atMost: 0.1 },
  "cosmos-requests-per-item-single": { unit: "requests", atMost: 6 },
  "cosmos-requests-per-item-single-mean": { unit: "requests" },
  "service-bus-operations-per-item-backlog": { unit: "operations", atMost: 0.5 },
  "service-bus-operations-per-item-single": { unit: "operations", atMost: 5 },
  "graph-requests-ratio": { unit: "ratio", atMost: 1 },
  "bundle-load-ratio": { unit: "ratio", atMost: 0.45 },
  "agent-rss-idle": { unit: "MB", atMost: 90 * MB },
  "bare-node-rss": { unit: "MB" },
  "agent-cpu-idle": { unit: "%", atMost: 1 },
  "platform-ready": { unit: "ms", atMost: 5_000 },
  "first-cycle-items-per-second": { unit: "items/s" },
  "cosmos-requests-per-idle-poll": { unit: "requests" },
  "request-units-per-item-backlog": { unit: "RU" },
  "cloud-rss-first-cycle": { unit: "MB", atMost: 250 },
  "agent-rss-first-cycle": { unit: "MB", atMost: 250 },
} as const satisfies Record<string, Budget>;

export type MeasureName = keyof typeof budgets;

export function measured(name: MeasureName, value: number): Measure {
  const { unit, atMost, atLeast }: Budget = budgets[name];
  const rounded = Math.round(value * 1_000) / 1_000;
  const budget =
    atMost !== undefined ? `<= ${atMost}` : atLeast !== undefined ? `>= ${atLeast}` : "reported";
  const ok =
    (atMost === undefined || rounded <= atMost) && (atLeast === undefined || rounded >= atLeast);
  return { name, value: rounded, unit, budget, ok };
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Nearest-rank percentile. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  const value = sorted[index];
  if (value === undefined) throw new RangeError("no values to take a percentile of");
  return value;
}
