/** Characters kept of texts that come from elsewhere: an SDK, a target, a connector. */
export const textLimits = {
  /** Of an outage, a failed probe or a failed connector. */
  failureChars: 500,
  /** Of a job's `detail`; the contract allows `limits.reasonChars`. */
  jobDetailChars: 2_000,
  /** Of a dead-letter description: the SDK rejects more than 4,096. */
  deadLetterChars: 4_096,
  /** Of a reason in a log line. */
  loggedReasonChars: 300,
} as const;
