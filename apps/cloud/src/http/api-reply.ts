/** An answer before it becomes the Functions library's. */
export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Becomes JSON; undefined: no body. */
  readonly body: unknown;
}

/** The same for every answer: data of a tenant is not for caches, and nothing here is HTML. */
export const commonHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};
