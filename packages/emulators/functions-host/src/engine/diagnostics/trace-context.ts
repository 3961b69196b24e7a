import { randomBytes } from "node:crypto";

/** As the library's core expects it: camel case with a capital P and S. */
export interface TraceContext {
  readonly traceParent: string;
  readonly traceState: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const TRACE_PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NO_TRACE = "0".repeat(32);

/** A new span below the caller's, or below nothing when the caller sent no valid W3C `traceparent`. */
export function childTraceContext(
  parent: string | undefined,
  state: string | undefined,
  functionName: string,
): TraceContext {
  const match = parent === undefined ? null : TRACE_PARENT.exec(parent.trim());
  const valid = match !== null && match[1] !== NO_TRACE;
  const traceId = (valid ? match[1] : undefined) ?? randomBytes(16).toString("hex");
  const flags = (valid ? match[3] : undefined) ?? "00";
  return {
    traceParent: `00-${traceId}-${randomBytes(8).toString("hex")}-${flags}`,
    traceState: valid ? (state ?? "") : "",
    attributes: { OperationName: functionName, ProcessId: String(process.pid) },
  };
}
