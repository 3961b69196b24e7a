import type { SpanOptions } from "./ports";

/** Causes of a span that serves several messages: it belongs to the trace of the first and is linked to the others. */
export function spanCauses(
  traceparents: readonly (string | undefined)[],
): Pick<SpanOptions, "parent" | "links"> {
  const [parent, ...links] = [...new Set(traceparents)].filter((each) => each !== undefined);
  return { parent, links };
}
