/**
 * What the client needs of `fetch`. The global one fits; `@postern/api-client/node` is one over `node:http`, for
 * programs that cannot afford the memory of a second HTTP client.
 */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchReply>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** A token is for one address, so no redirect is followed. The promise may reject, or resolve to the 3xx. */
  readonly redirect: "error";
  /** Ends the request and the reading of its reply. */
  readonly signal: AbortSignal;
}

export interface FetchReply {
  readonly status: number;
  readonly headers: {
    /** Not case-sensitive; null when the reply does not have it. */
    readonly get: (name: string) => string | null;
  };
  /** In chunks; null when there is none. */
  readonly body: AsyncIterable<Uint8Array> | null;
}
