/** Characters that texts from outside are cut to before they are stored: the bounds of the contracts' `DeadLetter`. */
export const deadLetterLimits = {
  codeChars: 60,
  targetChars: 200,
  messageIdChars: 200,
  /** A W3C traceparent. */
  traceparentChars: 55,
  /** The reason of one action. */
  actionReasonChars: 500,
  /** The detail of an audit entry. */
  auditDetailChars: 1_000,
} as const;
