import type { CompiledQuery } from "kysely";
import { RecentlyUsed } from "../recently-used";

const SHAPES_CACHED = 256;

/** Compiled statements by shape (verb, table, columns, rows): a batch of a known shape only binds its parameters. */
export class StatementCache extends RecentlyUsed<CompiledQuery> {
  constructor() {
    super(SHAPES_CACHED);
  }
}
