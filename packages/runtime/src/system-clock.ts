import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Clock, Random } from "./ports";

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (durationMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, durationMs);
      signal?.addEventListener("abort", end, { once: true });
    }),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};

export const systemRandom: Random = { next: () => Math.random(), uuid: () => randomUUID() };
