/** Characters kept of texts that come from elsewhere, beside the `limits` of the contracts. */
export const textLimits = {
  /** Of a job's `detail`; the contract allows `limits.reasonChars`. */
  jobDetailChars: 2_000,
  /** Of a dead-letter description: the SDK rejects more than 4,096. */
  deadLetterChars: 4_096,
} as const;
