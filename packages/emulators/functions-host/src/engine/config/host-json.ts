import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { z } from "zod";
import { FunctionsHostError } from "../diagnostics/errors";
import { readCheckedFile } from "./json-file";
import { parseTimeSpan } from "./time-span";

const Span = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = parseTimeSpan(text);
    if (ms !== undefined && ms >= 0) return ms;
    context.addIssue({
      code: "custom",
      message: `"${text}" is not a time span such as "00:05:00"`,
    });
    return z.NEVER;
  });

/** `-1` means no limit. */
const Limit = z
  .int()
  .min(-1)
  .max(1_000_000)
  .transform((n) => (n === -1 ? Infinity : n));

const DEFAULT_FUNCTION_TIMEOUT_MS = 30 * 60 * 1000; // a dedicated plan's default
const Timeout = z
  .union([
    z.literal("-1").transform(() => Infinity),
    Span.refine((ms) => ms > 0, "must be more than zero"),
  ])
  .default(DEFAULT_FUNCTION_TIMEOUT_MS);

const Http = z.looseObject({
  routePrefix: z.string().max(200).default("api"),
  /** 429 beyond this many requests, running or waiting. */
  maxOutstandingRequests: Limit.default(Infinity),
  /** Requests beyond this many wait for their turn. */
  maxConcurrentRequests: Limit.default(Infinity),
});

const RetryOptions = z.looseObject({
  mode: z.enum(["exponential", "fixed"]).default("fixed"),
  tryTimeout: Span.default(10_000),
  // With the SDK's delay of 30 s, every restart of the broker would be a pause of 30 s.
  delay: Span.default(250),
  maxDelay: Span.default(2_000),
  maxRetries: z.int().min(0).max(100).default(3),
});

const ServiceBus = z.looseObject({
  clientRetryOptions: RetryOptions.prefault({}),
  prefetchCount: z.int().min(0).max(1000).default(0),
  autoCompleteMessages: z.boolean().default(true),
  maxAutoLockRenewalDuration: Span.default(5 * 60_000),
  maxConcurrentCalls: z
    .int()
    .min(1)
    .max(2000)
    .default(16 * availableParallelism()),
  maxConcurrentSessions: z.int().min(1).max(2000).default(8),
  maxConcurrentCallsPerSession: z.int().min(1).max(2000).default(1),
  // The SDK holds at most 2048 unsettled messages per link.
  maxMessageBatchSize: z.int().min(1).max(2000).default(1000),
  minMessageBatchSize: z.int().min(1).max(2000).default(1),
  maxBatchWaitTime: Span.default(30_000),
  // The service's host waits for the try time-out (60 s); locally, other sessions get their turn sooner.
  sessionIdleTimeout: Span.default(1_000),
});

const LogLevelName = z.enum([
  "trace",
  "debug",
  "information",
  "warning",
  "error",
  "critical",
  "none",
]);
const LogLevels = z.record(
  z.string().max(200),
  z
    .string()
    .transform((level) => level.toLowerCase())
    .pipe(LogLevelName),
);

const HostJson = z.looseObject({
  version: z.literal("2.0"),
  functionTimeout: Timeout,
  functions: z.array(z.string().max(200)).max(1000).optional(),
  extensions: z
    .looseObject({ http: Http.prefault({}), serviceBus: ServiceBus.prefault({}) })
    .prefault({}),
  logging: z.looseObject({ logLevel: LogLevels.default({}) }).prefault({}),
});
export type HostJson = z.infer<typeof HostJson>;
export type HttpOptions = HostJson["extensions"]["http"];
export type ServiceBusOptions = HostJson["extensions"]["serviceBus"];

/**
 * Reads host.json of the app.
 *
 * @throws FunctionsHostError `app-not-found`, or `host-json-invalid` with every problem
 */
export function readHostJson(appDirectory: string): HostJson {
  const file = path.join(appDirectory, "host.json");
  if (!existsSync(file)) {
    throw new FunctionsHostError(
      "app-not-found",
      `${file} is missing: is this the folder of a function app?`,
    );
  }
  const hostJson = readCheckedFile(file, HostJson, "host-json-invalid");
  const { minMessageBatchSize, maxMessageBatchSize } = hostJson.extensions.serviceBus;
  if (minMessageBatchSize > maxMessageBatchSize) {
    throw new FunctionsHostError(
      "host-json-invalid",
      `${file}: minMessageBatchSize (${minMessageBatchSize}) is more than maxMessageBatchSize (${maxMessageBatchSize})`,
    );
  }
  return hostJson;
}
