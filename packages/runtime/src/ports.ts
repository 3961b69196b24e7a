/**
 * The ports that every process of the product has: time, randomness, logs and traces.
 *
 * Decisions and flows know these interfaces only, so that the same code runs against Azure, against the emulators, and
 * in a simulation under a fake clock.
 */
import type { LogEvent } from "@postern/contracts";

/** For stamps that people and other programs read; never for deadlines. */
export interface WallClock {
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface Clock {
  /** Wall clock, Unix milliseconds. For stamps that people and other programs read; never for deadlines. */
  readonly wallMs: () => number;
  /** Monotonic milliseconds. For deadlines and durations. */
  readonly monotonicMs: () => number;
  /** Resolves after the time, or as soon as the signal is aborted. Never rejects. */
  readonly sleep: (durationMs: number, signal?: AbortSignal) => Promise<void>;
  /** Resolves after everything that has already arrived has been handed over. */
  readonly turn: () => Promise<void>;
}

export interface RandomSource {
  /** At least 0, less than 1. */
  readonly next: () => number;
}

export interface Random extends RandomSource {
  /** A version 4 UUID. */
  readonly uuid: () => string;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  /** For a person who looks for a fault; not written unless asked for. */
  readonly debug: (event: LogEvent, fields?: LogFields) => void;
  readonly info: (event: LogEvent, fields?: LogFields) => void;
  readonly warn: (event: LogEvent, fields?: LogFields) => void;
  readonly error: (event: LogEvent, fields?: LogFields) => void;
  /** A logger that adds these fields to every line. */
  readonly child: (fields: LogFields) => Logger;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Known when the span begins. */
  readonly attributes?: SpanAttributes;
  /** W3C traceparent of the span that caused this one, when it came with a message; otherwise the current span. */
  readonly parent?: string | undefined;
  /** W3C traceparents of further causes, where one unit of work serves several messages. */
  readonly links?: readonly string[];
  readonly kind?: "internal" | "client" | "producer" | "consumer";
}

export interface SpanHandle {
  /** W3C traceparent of the span; undefined when nothing is traced. */
  readonly traceparent: string | undefined;
  readonly set: (attributes: SpanAttributes) => void;
}

export interface Tracing {
  /** Runs `work` in a span that ends with it. */
  readonly span: <T>(
    name: string,
    options: SpanOptions,
    work: (span: SpanHandle) => Promise<T>,
  ) => Promise<T>;
  /** W3C traceparent of the current span, if one is recorded. */
  readonly traceparent: () => string | undefined;
}
