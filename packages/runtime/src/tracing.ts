/**
 * Tracing by OpenTelemetry, sent over OTLP/HTTP where an endpoint is set.
 *
 * The SDK is loaded here and nowhere else, and only when something is traced: a process that exports nothing does not
 * pay for it.
 */
import type * as OtelApi from "@opentelemetry/api";
import type {
  Context,
  Span,
  SpanContext,
  SpanOptions as OtelSpanOptions,
} from "@opentelemetry/api";
import type { SpanHandle, SpanOptions, Tracing } from "./ports";

type Api = typeof OtelApi;

/** Spans wait this long for company before they are sent. */
const EXPORT_DELAY_MS = 1_000;

const quiet: SpanHandle = { traceparent: undefined, set: () => undefined };

/** Records nothing and loads nothing. */
export const noTracing: Tracing = {
  span: (_name, _options, work) => work(quiet),
  traceparent: () => undefined,
};

export interface RunningTracing extends Tracing {
  /** Sends what is recorded, then stops. */
  readonly close: () => Promise<void>;
}

export interface TracingOptions {
  /** Base URL of an OTLP/HTTP receiver; `/v1/traces` is added. */
  readonly otlpEndpoint: string;
  /** Also the name of the tracer. */
  readonly serviceName: string;
  /** Resource attributes of every span. */
  readonly attributes: Readonly<Record<string, string>>;
  /**
   * Makes it the tracer provider of the process, so that libraries with spans of their own (SQL statements) use it too.
   */
  readonly registerGlobally: boolean;
}

/** Loads the SDK and begins to record. */
export async function startTracing({
  otlpEndpoint,
  serviceName,
  attributes,
  registerGlobally,
}: TracingOptions): Promise<RunningTracing> {
  const [api, { AsyncLocalStorageContextManager }, sdk, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/context-async-hooks"),
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
    ]);
  const url = `${otlpEndpoint.replace(/\/+$/, "")}/v1/traces`;
  const provider = new sdk.TracerProvider({
    // The Functions host gives every invocation a context marked as not sampled unless its caller traces. There are few
    // spans (one a page, unit or group of statements), so all are kept, and a trace never has holes.
    sampler: new sdk.AlwaysOnSampler(),
    resource: resources.resourceFromAttributes({ "service.name": serviceName, ...attributes }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url }),
        scheduledDelayMillis: EXPORT_DELAY_MS,
      }),
    ],
  });
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  if (registerGlobally) api.trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer(serviceName);
  return {
    span: (name, options, work) =>
      tracer.startActiveSpan(name, spanOptions(api, options), parentOf(api, options), (span) =>
        record(api, span, work),
      ),
    traceparent: () => traceparentOf(api.trace.getActiveSpan()?.spanContext()),
    close: () => provider.shutdown(),
  };
}

/** Tracing that starts with its first span, which waits for it. Nothing is loaded before. */
export function tracingOnFirstSpan(options: TracingOptions): RunningTracing {
  let running: RunningTracing | undefined;
  let starting: Promise<RunningTracing> | undefined;
  const started = async (): Promise<RunningTracing> => {
    starting ??= startTracing(options);
    running = await starting;
    return running;
  };
  return {
    span: async (name, spanOptions, work) =>
      (running ?? (await started())).span(name, spanOptions, work),
    traceparent: () => running?.traceparent(),
    close: async () => running?.close(),
  };
}

async function record<T>(
  api: Api,
  span: Span,
  work: (handle: SpanHandle) => Promise<T>,
): Promise<T> {
  try {
    return await work({
      traceparent: traceparentOf(span.spanContext()),
      set: (attributes) => void span.setAttributes({ ...attributes }),
    });
  } catch (error) {
    span.setStatus({ code: api.SpanStatusCode.ERROR });
    if (error instanceof Error) span.recordException(error);
    throw error;
  } finally {
    span.end();
  }
}

function spanOptions(api: Api, { attributes, links, kind }: SpanOptions): OtelSpanOptions {
  const kinds = {
    internal: api.SpanKind.INTERNAL,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  };
  const linked = (links ?? []).flatMap((link) => {
    const context = parseTraceparent(link);
    return context === undefined ? [] : [{ context }];
  });
  return {
    kind: kinds[kind ?? "internal"],
    ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
    ...(linked.length === 0 ? {} : { links: linked }),
  };
}

function parentOf(api: Api, { parent }: SpanOptions): Context {
  const remote = parent === undefined ? undefined : parseTraceparent(parent);
  return remote === undefined
    ? api.context.active()
    : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...remote, isRemote: true });
}

/** A traceparent of the W3C Trace Context recommendation; of its flags, only *sampled* is known. */
function traceparentOf(context: SpanContext | undefined): string | undefined {
  if (context === undefined) return undefined;
  return `00-${context.traceId}-${context.spanId}-0${(context.traceFlags & 1).toString()}`;
}

function parseTraceparent(text: string): SpanContext | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text);
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}
