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
  /** HTTP status of the reply. */
  readonly status: number;
  readonly traceId: string;
  readonly detail: string | null;
  /** The reason, in the actor's own words. */
  readonly reason?: string;
  /** What the action changed about the resource. */
  readonly change?: Readonly<Record<string, string | null>>;
  readonly ttl?: number;
}

export interface AuditTrail {
  /** An entry with the same id is left as it is: the same step may be reported twice. */
  add(entry: AuditEntry): Promise<void>;
}
