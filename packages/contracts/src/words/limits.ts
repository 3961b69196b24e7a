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
  /** Characters of the reason of one failed attempt, probe or action. */
  failureChars: 500,
  /** Characters of a reason in a log line or in a list of several. */
  loggedReasonChars: 300,
  /** Characters of the detail of an audit entry. */
  auditDetailChars: 1_000,
  /** Characters of an error code; codes of brokers and targets are kept as they came. */
  codeChars: 60,
  /** Characters of a caller's text that an error message quotes. */
  quotedChars: 100,
  /** Characters of a name or id that a foreign message gives, as a dead letter keeps it. */
  foreignNameChars: 200,
  /** Characters of a request path that is kept or searched for. */
  pathChars: 200,
  /** Characters of the display name of a user or program. */
  actorNameChars: 200,
  /** Characters of the name of a running instance of the cloud app. */
  instanceChars: 100,
  /** Characters of an id that sorts by time: a cycle's or a job's. */
  timeSortedIdChars: 64,
  /** Characters of a W3C traceparent. */
  traceparentChars: 55,
  /** Characters of a column, table or class of a target. */
  columnNameChars: 128,
  /** Columns of one target object. */
  columns: 200,
  /** Characters of the id of a key: versions of Key Vault secrets have 32. */
  keyIdChars: 64,
  /** Work items in one work message: a transactional batch of the ledger holds 100 operations. */
  itemsPerMessage: 100,
  /** Bytes of a message body. Service Bus Standard takes 256 KB with headers; the rest is room for those. */
  messageBytes: 200 * 1024,
  /** Work messages reported by one result message. */
  messagesPerResult: 100,
  /** Attempts kept in an attempt log; older ones are counted, not listed. */
  attemptsListed: 20,
  /** Waiting items that a cycle shows with what they wait for. */
  waitingItemsShown: 5,
  /** Entities named by one on-demand job. */
  entitiesPerJob: 100,
  /** Characters of an opaque Graph link. */
  linkChars: 8_192,
} as const;
