import { ProxyTracerProvider, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { StatementSpan } from "./statement-span";

const LIBRARY = "@postern/connectors";

/** Whether tracing is set up in this thread. */
export function tracesStatements(): boolean {
  const provider = trace.getTracerProvider();
  return (
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(LIBRARY) !== undefined
  );
}

/** Records a client span under the active one, for statements that have already run. */
export function traceStatement(statement: StatementSpan): void {
  const span = trace.getTracer(LIBRARY).startSpan(statement.name, {
    kind: SpanKind.CLIENT,
    attributes: statement.attributes,
    startTime: statement.startedAtMs,
  });
  if (statement.failed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(statement.endedAtMs);
}
