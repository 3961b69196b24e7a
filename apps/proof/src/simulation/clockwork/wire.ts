/**
 * The way from a process to a service and back. A request takes time to arrive, its effect happens at the service at
 * one moment, the answer takes time again; faults strike at each of these. What a dead process has sent still arrives.
 */
import type { FaultBook, OperationEffect, Service } from "./fault-book";
import type { SeededRandom } from "../../kit/seeded-random";
import type { SimProcess } from "./sim-process";

export interface Question<T> {
  readonly service: Service;
  readonly operation: string;
  /** Runs at the service, without delay. What it throws is the service's answer. */
  readonly effect: (struck: OperationEffect | undefined) => T;
  /** The error that the process sees when there is no proper answer. */
  readonly failure: (how: "unreachable" | "throttled", retryAfterMs: number | undefined) => Error;
  /** On top of the usual time to arrive. */
  readonly slowedMs?: number;
  /** The client stops waiting as soon as it is aborted; the request may still be carried out. */
  readonly signal?: AbortSignal;
}

export interface WireWorld {
  readonly faults: FaultBook;
  readonly random: SeededRandom;
  readonly crash: (process: SimProcess, restartAfterMs: number) => void;
}

export class Wire {
  readonly #process: SimProcess;
  readonly #world: WireWorld;

  constructor(process: SimProcess, world: WireWorld) {
    this.#process = process;
    this.#world = world;
  }

  ask<T>(question: Question<T>): Promise<T> {
    const process = this.#process;
    const { faults, crash } = this.#world;
    if (!process.running) return new Promise(() => undefined);
    const { service, operation, effect, failure, signal } = question;
    const crashPoint = faults.takeCrash(process.name, operation);
    if (crashPoint?.when === "before") {
      crash(process, crashPoint.durationMs);
      return new Promise(() => undefined);
    }
    const fault = faults.take(service, operation);
    const out = faults.isOut(service, process.timeline.nowMs);
    const onTheWayMs =
      this.#latency() +
      (question.slowedMs ?? 0) +
      (fault?.effect === "delay" ? fault.durationMs : 0);
    return new Promise<T>((resolve, reject) => {
      let left = false;
      const leave = (settle: () => void): void => {
        if (left) return;
        left = true;
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = (): void => leave(() => reject(failure("unreachable", undefined)));
      if (signal !== undefined) {
        if (signal.aborted) return reject(failure("unreachable", undefined));
        signal.addEventListener("abort", onAbort, { once: true });
      }
      const answer = (afterMs: number, settle: () => void): void => {
        process.timeline.after(afterMs, () => process.deliver(() => leave(settle)));
      };
      process.timeline.after(onTheWayMs, () => {
        if (out || fault?.effect === "refuse" || fault?.effect === "throttle") {
          const throttled = fault?.effect === "throttle";
          const pauseMs = throttled ? fault.durationMs : undefined;
          const lateMs = throttled || fault === undefined ? 5 : Math.min(fault.durationMs, 10_000);
          answer(lateMs, () => reject(failure(throttled ? "throttled" : "unreachable", pauseMs)));
          return;
        }
        let settle: () => void;
        try {
          const value = effect(fault?.effect);
          settle = () => resolve(value);
        } catch (error) {
          settle = () => reject(error instanceof Error ? error : new Error(String(error)));
        }
        if (crashPoint?.when === "after") {
          if (process.alive) crash(process, crashPoint.durationMs);
          return;
        }
        if (fault?.effect === "lose-reply") {
          answer(Math.min(fault.durationMs, 10_000), () =>
            reject(failure("unreachable", undefined)),
          );
          return;
        }
        answer(this.#latency(), settle);
      });
    });
  }

  /** 1 to 8 ms, now and then far more. */
  #latency(): number {
    const { random } = this.#world;
    const drawn = random.next();
    return drawn < 0.97 ? 1 + drawn * 7 : 8 + (drawn - 0.97) * 8_000;
  }
}
