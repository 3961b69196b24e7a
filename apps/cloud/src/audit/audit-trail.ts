/** Who did what to which resource, and whether it was allowed. Written once, never changed. */
export interface AuditEntry {
  /** Sorts by time. */
  readonly id: string;
  /** The resource, such as `syncs/people`. Partition key. */
  readonly subject: string;
  readonly at: string;
  readonly action: string;
  readonly actor: { readonly oid: string; readonly azp: string; readonly name: string };
  readonly decision: "allowed" | "denied";
  /** Status of the answer. */
  readonly status: number;
  readonly traceId: string;
  readonly detail: string | null;
  /** Why, in the words of who did it. */
  readonly reason?: string;
  /** What it did to the resource. */
  readonly change?: Readonly<Record<string, string | null>>;
  readonly ttl?: number;
}

export interface AuditTrail {
  /** One of that id is left as it is: the same step may be told twice. */
  add(entry: AuditEntry): Promise<void>;
}
