/** What every `sql` target says of itself, whatever its database. */
export const targetTraits = {
  kind: "sql",
  hasInbox: true,
  /** Largest batch that `apply` takes. */
  maxBatchItems: 1_000,
} as const;
