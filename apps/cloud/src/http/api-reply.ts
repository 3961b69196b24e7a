/** A reply, before it becomes one of the Functions library. */
export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Becomes JSON; undefined: no body. */
  readonly body: unknown;
}

/** The same for every reply: a tenant's data must not be cached, and nothing here is HTML. */
export const commonHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};
