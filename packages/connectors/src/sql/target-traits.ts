/** The properties that every `sql` target has, whatever its database. */
export const targetTraits = {
  kind: "sql",
  hasInbox: true,
  maxBatchItems: 1_000,
} as const;
