import { clip } from "@postern/contracts";

/** A statement of many rows repeats itself: its beginning is enough. */
const STATEMENT_CHARS = 2_000;

export interface StatementFacts {
  /** `upsert`, `delete`, `inbox`. */
  readonly verb: string;
  readonly table: string;
  /** `db.system` of OpenTelemetry: `sqlite`, `postgresql`. */
  readonly system: string;
  readonly target: string;
  readonly items: number;
}

/** A group of statements that has ended. Plain data: it may be traced in another thread than it ran in. */
export interface StatementSpan {
  readonly name: string;
  /** Statement text, never a parameter. */
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly failed: boolean;
  /** Unix milliseconds. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export type StatementSink = (span: StatementSpan) => void;

/** Runs a group of statements and reports it to the sink, whether it fails or not. */
export async function statementSpan<Result>(
  facts: StatementFacts,
  sink: StatementSink,
  work: (noteStatement: (text: string) => void) => Promise<Result>,
): Promise<Result> {
  const startedAtMs = Date.now();
  const began = performance.now();
  let statement: string | undefined;
  let failed = true;
  try {
    const result = await work((text) => {
      statement = text;
    });
    failed = false;
    return result;
  } finally {
    sink({
      name: `sql ${facts.verb} ${facts.table}`,
      attributes: {
        "db.system": facts.system,
        "db.operation": facts.verb,
        "db.sql.table": facts.table,
        "postern.target": facts.target,
        "postern.items": facts.items,
        ...(statement === undefined ? {} : { "db.statement": clip(statement, STATEMENT_CHARS) }),
      },
      failed,
      startedAtMs,
      endedAtMs: startedAtMs + performance.now() - began,
    });
  }
}
