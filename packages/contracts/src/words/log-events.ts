/**
 * Every event that cloud and agent log: `noun.verb`, with the program that logs it and a line of explanation. The set
 * is closed: queries and alerts may rely on names, while fields and texts are free to improve. docs/log-events.md is
 * made from it.
 */
export type LoggedBy = "agent" | "cloud" | "both";

export const logEvents = {
  "agent.crashed": {
    by: "agent",
    explanation: "A fault ends the agent with exit code 1; the line gives the cause.",
  },
  "agent.registered": {
    by: "both",
    explanation: "The cloud accepted the first heartbeat of an agent.",
  },
  "agent.started": { by: "agent", explanation: "The agent is running." },
  "agent.stopped": {
    by: "agent",
    explanation: "The agent has drained and closed its connections.",
  },
  "agent.taken-over": {
    by: "cloud",
    explanation: "Another identity registered the id of an agent that had gone offline.",
  },
  "assumption.broken": {
    by: "agent",
    explanation: "An internal assumption does not hold; the agent drains and exits with code 1.",
  },
  "audit-entry.store-failed": {
    by: "cloud",
    explanation: "An audit entry could not be stored; the line holds the entry.",
  },
  "breaker.changed": { by: "agent", explanation: "The breaker of a target changed its state." },
  "broker-client.rebuilt": {
    by: "agent",
    explanation: "The Service Bus client was replaced after it hung or lost its connection.",
  },
  "cloud-service.failed": {
    by: "agent",
    explanation: "The broker or the ledger failed a request: the first failure of an outage.",
  },
  "cloud-service.recovered": {
    by: "agent",
    explanation:
      "An outage of the broker or the ledger is over; `failedTries` counts its failures.",
  },
  "control-api.failed": {
    by: "agent",
    explanation: "A heartbeat failed: the first failure of an outage.",
  },
  "control-api.recovered": { by: "agent", explanation: "A heartbeat succeeded after failures." },
  "cycle.restarted": {
    by: "cloud",
    explanation: "The cycle watch restarted the streams of a stalled cycle.",
  },
  "cycle.resumed": { by: "cloud", explanation: "A stalled cycle moves again." },
  "cycle.stalled": {
    by: "cloud",
    explanation: "Nothing moves in a cycle; the line gives the reason and the action taken.",
  },
  "cycle.started": { by: "cloud", explanation: "A cycle started on request." },
  "cycle-streams.dropped": {
    by: "cloud",
    explanation: "A cycle no longer waits for streams that its definition stopped reading.",
  },
  "cycle-watch.truncated": {
    by: "cloud",
    explanation: "A definition has more open cycles than one run of the cycle watch covers.",
  },
  "dead-letter.counted": {
    by: "cloud",
    explanation: "The cycle counts the items of a dead-lettered message.",
  },
  "dead-letter.read-failed": {
    by: "cloud",
    explanation: "A stored dead letter could not be read, so its replay was not resumed.",
  },
  "dead-letter.skipped": {
    by: "cloud",
    explanation: "Every item of a dead-lettered message already had an outcome.",
  },
  "dead-letter.stored": {
    by: "cloud",
    explanation: "A message from a dead-letter queue is now listed among the dead letters.",
  },
  "delta-token.expired": {
    by: "cloud",
    explanation: "Microsoft Graph no longer accepts a delta token; the stream is resynced.",
  },
  "discard.audit-failed": {
    by: "cloud",
    explanation: "A discard could not be audited, so the dead letter was not discarded.",
  },
  "drain.started": {
    by: "agent",
    explanation: "The agent takes no new work and finishes what it has.",
  },
  "health-probe.failed": {
    by: "cloud",
    explanation: "A service did not respond to a probe of the health check.",
  },
  "item.deferred": {
    by: "agent",
    explanation: "Items wait for a retry; the line gives the reason, how many, and one of them.",
  },
  "job.finished": {
    by: "agent",
    explanation: "A job ended; the line gives its outcome and duration.",
  },
  "job.send-failed": {
    by: "cloud",
    explanation: "A job could not be sent to its agents yet; the job watch sends it.",
  },
  "job-message.dead-lettered": {
    by: "agent",
    explanation: "A job message could not be read, or was meant for another agent group.",
  },
  "job-message.failed": {
    by: "agent",
    explanation: "A cloud service failed while a job message was handled; it is delivered again.",
  },
  "jobs-queue.failed": {
    by: "agent",
    explanation: "The receiver of the jobs queue reported an error; it is reopened.",
  },
  "lane.lost": { by: "agent", explanation: "The agent lost the lock of a lane." },
  "lease.failed": {
    by: "agent",
    explanation: "The first try to lease a job attempt was refused or got no response.",
  },
  "message.dead-lettered": {
    by: "both",
    explanation: "A message could not be read, or was in the wrong queue.",
  },
  "message.parked": {
    by: "agent",
    explanation: "The agent does not read the major version of a work message; the cloud keeps it.",
  },
  "page-run.interrupted": {
    by: "cloud",
    explanation: "A cloud service failed during a page run; the run is repeated.",
  },
  "parked-message.blocked": {
    by: "cloud",
    explanation: "A parked message stays: its group no longer has the target.",
  },
  "parked-message.send-failed": {
    by: "cloud",
    explanation: "Parked messages could not be sent yet; a timer sends them.",
  },
  "parked-message.sent": {
    by: "cloud",
    explanation: "Parked messages were sent to an agent that reads them.",
  },
  "parked-message.stored": {
    by: "cloud",
    explanation: "A parked message is kept until an agent of the group reads it.",
  },
  "proof.failed": {
    by: "cloud",
    explanation:
      "A result or message does not prove itself, or its agent is not known; the security events say more.",
  },
  "proof.judged": {
    by: "cloud",
    explanation: "Results whose key had not been known were judged again.",
  },
  "rejection.unhandled": {
    by: "both",
    explanation: "A promise was rejected that no code waited for any more.",
  },
  "release.interrupted": {
    by: "cloud",
    explanation:
      "Held items changed faster than they could be released; the request must be repeated.",
  },
  "replay.finish-failed": {
    by: "cloud",
    explanation: "A replay could not be finished; the dead letter is open again.",
  },
  "replay.resumed": { by: "cloud", explanation: "Interrupted replays were taken up again." },
  "replay.send-failed": {
    by: "cloud",
    explanation: "A queue did not accept replayed messages; their dead letters are open again.",
  },
  "replay.start-failed": { by: "cloud", explanation: "The replay of a dead letter did not start." },
  "replay-claim.release-failed": {
    by: "cloud",
    explanation: "The claim of a failed replay could not be released; it expires on its own.",
  },
  "request.handled": {
    by: "cloud",
    explanation: "The response to an HTTP request; an error when its status is 500 or above.",
  },
  "restored-object.missed": {
    by: "cloud",
    explanation: "Microsoft Graph listed a restored object but did not return it.",
  },
  "source.deferred": {
    by: "cloud",
    explanation: "Microsoft Graph throttled or refused a read; the stream rests for `waitMs`.",
  },
  "start-message.skipped": {
    by: "cloud",
    explanation: "A start message found no checkpoint of its stream.",
  },
  "target.close-failed": {
    by: "agent",
    explanation: "A target could not be closed while the agent drained.",
  },
  "timer.missed": {
    by: "cloud",
    explanation: "A cloud service failed during a timer's run; the next run does its work.",
  },
  "unit.finished": {
    by: "agent",
    explanation: "A unit was applied and recorded; the line gives counts and durations.",
  },
  "vault.failed": {
    by: "cloud",
    explanation:
      "The vault failed a read: the first failure of an outage; keys in memory serve on.",
  },
  "vault.recovered": { by: "cloud", explanation: "An outage of the vault is over." },
  "work-key.rejected": {
    by: "cloud",
    explanation:
      "A version of the secret work-key holds no usable key; the line says what is wrong.",
  },
} as const satisfies Record<string, { readonly by: LoggedBy; readonly explanation: string }>;

export type LogEvent = keyof typeof logEvents;
