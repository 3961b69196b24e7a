/** Bounds on what crosses a wire. Every string and list of a schema takes its bound from here. */
export const limits = {
  /** Characters of an identifier that people choose (definition, group, target, agent). */
  nameChars: 40,
  /** Characters of an entity id. Graph ids are 36; a membership is two of them and a slash. */
  entityIdChars: 200,
  /** Service Bus message ids may hold 128 characters (facts: Service Bus quotas). */
  messageIdChars: 128,
  /** Characters of one mapped value. */
  valueChars: 32_768,
  /** Characters of a reason shown to a person. The SDK caps dead-letter reasons at 4,096. */
  reasonChars: 4_000,
  /** Columns of one target object. */
  columns: 200,
  /** Work items in one work message: a transactional batch of the ledger holds 100 operations. */
  itemsPerMessage: 100,
  /** Bytes of a message body. Service Bus Standard takes 256 KB with headers; the rest is room for those. */
  messageBytes: 200 * 1024,
  /** Work messages reported by one result message. */
  messagesPerResult: 100,
  /** Attempts kept in an attempt log; older ones are counted, not listed. */
  attemptsListed: 20,
  /** Entities named by one on-demand job. */
  entitiesPerJob: 100,
  /** Characters of an opaque Graph link. */
  linkChars: 8_192,
} as const;
