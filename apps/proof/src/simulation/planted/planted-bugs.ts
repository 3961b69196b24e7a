/**
 * One-line sabotages of the product, each of a kind that reviews let through. The simulation must catch every one: that is
 * what its silence about the real product is worth. Applied one at a time while a bundle is made, never to the working tree.
 */
export interface PlantedBug {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** What it breaks, and what must notice. */
  readonly why: string;
}

const agent = "apps/agent/src";
const cloud = "apps/cloud/src";

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "settle before report",
    file: `${agent}/lanes/lane-runner.ts`,
    from: "await this.#world.reporter.report({ results, deliveries }, traceparent);",
    to: "void this.#world.reporter.report({ results, deliveries }, traceparent).catch(() => undefined);",
    why: "A message leaves the queue before its outcome is safe: settled before it was reported.",
  },
  {
    name: "report failure swallowed",
    file: `${agent}/lanes/lane-runner.ts`,
    from: "await this.#world.reporter.report({ results, deliveries }, traceparent);",
    to: "await this.#world.reporter.report({ results, deliveries }, traceparent).catch(() => undefined);",
    why: "A report that the broker refused counts as made: settled before it was reported.",
  },
  {
    name: "lost lock ignored",
    file: `${agent}/units/held-guard.ts`,
    from: "if (guard.signal.aborted || !guard.isHeld()) {",
    to: "if (guard.signal.aborted && !guard.signal.aborted) {",
    why: "An agent goes on after its lane went to another: no side effect begins once the lock is lost.",
  },
  {
    name: "ledger conflict swallowed",
    file: `${agent}/units/unit-runner.ts`,
    from: 'if ((await ledger.write(writes)) === "written") {',
    to: "if ((await ledger.write(writes)) !== undefined) {",
    why: "A 412 counts as written: the ledger stays behind, and a later item is taken for unchanged.",
  },
  {
    name: "older version over newer in the ledger",
    file: `${agent}/units/unit-round.ts`,
    from: 'if (decision.kind === "superseded" || decision.kind === "recorded") {',
    to: 'if (decision.kind === "superseded" && decision.kind !== "superseded") {',
    why: "After a conflict the entry is written whatever is there now: no ledger entry goes back.",
  },
  {
    name: "unchanged by an older ledger entry",
    file: `${agent}/units/unit-round.ts`,
    from: 'decision.kind === "apply" && byLedger',
    to: 'decision.kind === "apply" && !byLedger && byLedger',
    why: "The entry that called the item unchanged was old: the ledger says what the target does not have.",
  },
  {
    name: "try not noted",
    file: `${agent}/units/unit-round.ts`,
    from: "return entry === undefined ? [] : [{ entry, etag: record?.etag }];",
    to: "return [];",
    why: "A change is taken back while its retry waits, and its first try had reached the target: called unchanged.",
  },
  {
    name: "hash not compared",
    file: `${agent}/units/ledger-decision.ts`,
    from: "applied?.hash === item.hash && entry?.triedTo === undefined",
    to: "applied !== undefined",
    why: "Every known entity counts as unchanged: the target is not what the source says.",
  },
  {
    name: "dependency given up at once",
    file: `${agent}/units/failure-policy.ts`,
    from: '    case "permanent":\n    case "poison":\n      return {',
    to: '    case "permanent":\n    case "dependency":\n    case "poison":\n      return {',
    why: "An item that only waits for another is given up: dead letters only for poison.",
  },
  {
    name: "target down blamed on items",
    file: `${agent}/units/failure-policy.ts`,
    from: 'return { kind: "target-down" };',
    to: 'return { kind: "dead-letter", code: failure.code, reason: failure.message };',
    why: "An outage of the target makes dead letters: dead letters only for poison.",
  },
  {
    name: "transient failure taken for done",
    file: `${agent}/units/target-apply.ts`,
    from: 'return { outcome: hasInbox ? "failed" : "unknown", failure };',
    to: 'return { outcome: "applied" };',
    why: "What a connector throws counts as applied: what is reported is true at that moment.",
  },
  {
    name: "retry copy not waited for",
    file: `${cloud}/results/results.ts`,
    from: "if (failed !== undefined) throw failed.reason;",
    to: "",
    why: "A result is completed although the copy of its waiting item was refused: a cycle never completes.",
  },
  {
    name: "retry id without its attempt",
    file: `${cloud}/work/item-message-ids.ts`,
    from: "~${itemDigest(itemId, 16)}#${attempt}`",
    to: "~${itemDigest(itemId, 16)}#1`",
    why: "Duplicate detection drops the second retry: a cycle never completes.",
  },
  {
    name: "result counted by delivery",
    file: `${cloud}/results/account.ts`,
    from: "id: markerId(result.workMessageId),",
    to: "id: markerId(`${result.workMessageId}${agent}${reportedAt}`),",
    why: "A second report of one message counts again: cycle totals add up.",
  },
  {
    name: "retry sent whoever asked for it",
    file: `${cloud}/cycles/message-marker.ts`,
    from: "return there.report === marker.report;",
    to: "return true;",
    why: "An agent that lost its lane unknowingly asks for a retry of what is done: one outcome more than items.",
  },
  {
    name: "report given up half-way",
    file: `${cloud}/cycles/message-marker.ts`,
    from: "return there.report === marker.report;",
    to: "return false;",
    why: "A batch that ended behind its marker sends no retry when it comes again: a cycle never completes.",
  },
  {
    name: "replay not counted as begun",
    file: `${cloud}/dead-letters/replay/replay-markers.ts`,
    from: "if (markers.length === 0) return;",
    to: "if (markers.length >= 0) return;",
    why: "A request ended behind its send: the replayed item counts as failed and as done.",
  },
  {
    name: "replay left half-way",
    file: `${cloud}/dead-letters/replay/resume-replays.ts`,
    from: 'if (replayChance(stored.value, ports.clock.now()).kind !== "resend") return;',
    to: "if (replayChance(stored.value, ports.clock.now()).kind !== undefined) return;",
    why: "A request ended behind its claim, and nobody asks again: the letter says replayed, and nothing was sent.",
  },
  {
    name: "replay number used twice",
    file: `${cloud}/dead-letters/replay/replay-id.ts`,
    from: 'return letter.state === "open" ? last + 1 : Math.max(1, last);',
    to: "return Math.max(1, last);",
    why: "The second replay has the id of the first: duplicate detection or the marker swallow it.",
  },
  {
    name: "replay not audited",
    file: `${cloud}/dead-letters/replay/replay-claim.ts`,
    from: "await auditLastActions(ports, claim.value);",
    to: "",
    why: "An item goes out again without a trace of who sent it.",
  },
  {
    name: "version used twice",
    file: `${cloud}/sync/pages/page-commit.ts`,
    from: "...claim.versions.filter((spare) => spare !== version),",
    to: "...claim.versions,",
    why: "Two pages carry one version: two contents under one version.",
  },
  {
    name: "checkpoint without fence",
    file: `${cloud}/sync/pages/page-commit.ts`,
    from: '{ kind: "replace", document: checkpoint, etag: claim.etag },\n    {\n      kind: "patch",\n      id: "counter",',
    to: '{ kind: "replace", document: checkpoint, etag: undefined },\n    {\n      kind: "patch",\n      id: "counter",',
    why: "A run that lost its claim commits all the same: pages are skipped or counted twice.",
  },
  {
    name: "commit before enqueue",
    file: `${cloud}/sync/pages/page-enqueue.ts`,
    from: "await ports.bus.send(workQueueOf(definition), messages);",
    to: "void ports.bus.send(workQueueOf(definition), messages).catch(() => undefined);",
    why: "A page is committed although its messages were refused: a change is lost.",
  },
  {
    name: "sent never noted",
    file: `${cloud}/sync/entities/decide.ts`,
    from: "after.sent = true;",
    to: "after.sent = false;",
    why: "What was never sent is never deleted: the target keeps what the source has not.",
  },
  {
    name: "generation outlives its enumeration",
    file: `${cloud}/sync/pages/enumeration.ts`,
    from: "checkpoint.link === null ? version : checkpoint.generation",
    to: "checkpoint.generation",
    why: "What only an abandoned enumeration has seen counts as seen: a delete is lost.",
  },
  {
    name: "hold ignored",
    file: `${cloud}/sync/entities/work-page.ts`,
    from: "const heldBack = new Set(counted.slice(reserved?.released ?? 0));",
    to: "const heldBack = new Set(counted.slice(reserved === undefined ? 0 : counted.length));",
    why: "Deletes past the threshold go out: holds are respected.",
  },
  {
    name: "breaker looks at the wrong hours",
    file: `${cloud}/sync/entities/breaker.ts`,
    from: "if (hour >= first) sum += count;",
    to: "if (hour < first) sum += count;",
    why: "The window is always empty: deletes past the threshold reach the target.",
  },
  {
    name: "hold not written down",
    file: `${cloud}/sync/entities/work-page.ts`,
    from: "if (this.#holds.length > 0) await",
    to: "if (this.#holds.length < 0) await",
    why: "Something is held that no list shows, so that nobody can ever release it.",
  },
  {
    name: "memberships forgotten by the page done again",
    file: `${cloud}/sync/entities/decide.ts`,
    from: "(owed || (moved && !arrived))",
    to: "(moved && !arrived)",
    why: "The page that found a user gone was abandoned; done again it sees no change, and memberships stay.",
  },
  {
    name: "lost index write taken for written",
    file: `${cloud}/sync/entities/work-page.ts`,
    from: "if (etags === undefined) return false;",
    to: "if (etags === undefined) return true;",
    why: "A page that decided on a stale index goes out: the target follows the older state.",
  },
  {
    name: "absent property taken for cleared",
    file: `${cloud}/sync/entities/index-merge.ts`,
    from: "source = { ...source, ...change.properties };",
    to: "source = { ...change.properties };",
    why: "Delta leaves unchanged properties out: columns would be cleared.",
  },
  {
    name: "release left half-way",
    file: `${cloud}/sync/holds/held-items.ts`,
    from: "if ((await ports.index.write(writes)) === undefined) return undefined;",
    to: "if ((await ports.index.write(writes)) === undefined) return 0;",
    why: "A release that meets a conflict ends there: memberships of what was removed stay.",
  },
  {
    name: "release without what follows",
    file: `${cloud}/sync/holds/held-items.ts`,
    from: "await followReleased(ports, definition, released);",
    to: "if (released.length < 0) await followReleased(ports, definition, released);",
    why: "A released removal leaves its memberships behind.",
  },
  {
    name: "request forgotten by the watch",
    file: `${cloud}/sync/watch/cycle-watch-decision.ts`,
    from: "restart: held ? null : { stream, from: ours ? checkpoint : null },",
    to: "restart: held || !ours ? null : { stream, from: checkpoint },",
    why: "A cycle whose start message was never sent stands for ever: every cycle completes.",
  },
];
