import {
  type DeadLetter,
  type DeadLetterResult,
  entityKey,
  type FieldProblem,
  limits,
  type Marker,
  type SyncDefinition,
  streamOf,
} from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import {
  type Order,
  replayChance,
  withClaimGivenUp,
  withReplay,
  withReplaySent,
} from "../dead-letter";
import { auditLastActions, auditRefusal } from "../dead-letter-audit";
import type { DeadLetterPorts } from "../dead-letter-ports";
import type { OutgoingMessage } from "../../ports/message-bus";
import type { Stored } from "../../ports/stores";
import { reopenCycles } from "../../cycles/reopen-cycle";
import { followEnd } from "./replay-end";
import { nextReplayNumber, replayMessageId } from "./replay-id";
import { endOf, withdrawalOf } from "./replay-markers";
import { type ReplayableItem, validateReplay } from "./replay-validation";
import { singleItemMessage, workQueueOf } from "../../work/work-messages";

/**
 * Sends dead-lettered items again: same item, same version, a message id of its own.
 *
 * For each: validate → claim (the letter is `replayed`, by whom and why, under its etag) → audit → send → markers → note as
 * sent. Whatever ends in between is taken up once the claim has lapsed, by the next request or by a timer, and sends the same
 * message id, which the broker, the marker and the ledger each take for what it is. What the index says is newer is not sent but
 * counted as superseded here; where the index moves later, the agent's ledger and inbox give the same answer.
 *
 * Counts (ADR 0006): a marker `MESSAGE.withdrawn` takes back the outcome that was counted when the item failed, so the item
 * is pending again in its cycle until the replay's own marker counts how it ended.
 */
/** Dead letters claimed and sent together. */
const CHUNK = 100;
const PARALLEL = 16;
/** The first goes at once; the targets and lanes of the others must not meet a wave. */
export const replaysPerSecond = 50;

export interface ReplayRefusal extends DeadLetterResult {
  readonly problems?: readonly FieldProblem[];
}

interface Candidate extends ReplayableItem {
  readonly stored: Stored<DeadLetter>;
  readonly superseded: boolean;
}

interface Claimed extends Candidate {
  readonly message: OutgoingMessage | undefined;
}

export async function replayDeadLetters(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
  order: Order,
  options: { readonly dryRun?: boolean } = {},
): Promise<ReplayRefusal[]> {
  if (options.dryRun === true) return replayEach(ports, letters, () => order, options);
  const { open, ended } = await followEnds(ports, letters);
  const results = [...ended, ...(await replayEach(ports, open, () => order, options))];
  for (const { id, outcome, detail } of results) {
    if (outcome === "refused")
      await auditRefusal(ports, id, "replayDeadLetter", order, detail ?? "");
  }
  return results;
}

/** A replay that was begun before may have ended since: then there is nothing to take up. */
async function followEnds(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
): Promise<{
  readonly open: readonly Stored<DeadLetter>[];
  readonly ended: readonly ReplayRefusal[];
}> {
  const nowMs = ports.clock.now();
  const ends = await inParallel(letters, PARALLEL, async (stored) =>
    replayChance(stored.value, nowMs).kind === "resend" ? followEnd(ports, stored) : undefined,
  );
  const ended = letters.flatMap(({ value }, index) => {
    const end = ends[index];
    if (end === "sent") return alreadyReplayed(withReplaySent(value, nowMs));
    return end === "open" ? result(value, "failed", changed) : [];
  });
  const open = letters.filter((_, index) => ends[index] === undefined);
  return { open, ended };
}

/** The same for letters that different people asked for; those without an order are passed over. */
export async function replayEach(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
  orderOf: (letter: DeadLetter) => Order | undefined,
  options: { readonly dryRun?: boolean } = {},
): Promise<ReplayRefusal[]> {
  const definitions = new Map(
    (await ports.definitions.list({ fresh: true })).map(({ value }) => [
      value.id as string,
      value.definition,
    ]),
  );
  const results: ReplayRefusal[] = [];
  let scheduled = 0;
  for (let start = 0; start < letters.length; start += CHUNK) {
    const chunk = letters.slice(start, start + CHUNK);
    const candidates: Candidate[] = [];
    for (const judged of await judge(ports, chunk, definitions)) {
      if ("stored" in judged) candidates.push(judged);
      else results.push(judged);
    }
    if (options.dryRun === true) {
      results.push(...candidates.map(forecast));
      continue;
    }
    results.push(...(await send(ports, candidates, orderOf, () => scheduled++)));
  }
  return results;
}

async function judge(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
  definitions: ReadonlyMap<string, SyncDefinition>,
): Promise<(Candidate | ReplayRefusal)[]> {
  const present = { definitions, groups: ports.stamp.groups };
  const nowMs = ports.clock.now();
  const judged: ((ReplayableItem & { stored: Stored<DeadLetter> }) | ReplayRefusal)[] = [];
  for (const stored of letters) {
    const letter = stored.value;
    const chance = replayChance(letter, nowMs);
    if (chance.kind === "discarded") {
      judged.push(result(letter, "refused", `it was discarded${lastStep(letter)}`));
    } else if (chance.kind === "done") {
      judged.push(alreadyReplayed(letter));
    } else {
      const validation = validateReplay(letter, present);
      if (validation.ok) judged.push({ ...validation.value, stored });
      else judged.push(refusal(letter, validation.problems));
    }
  }
  const valid = judged.filter((one) => "stored" in one);
  const newer = await newerThan(ports, valid);
  return judged.map((one) =>
    "stored" in one ? { ...one, superseded: newer.has(one.stored.value.id) } : one,
  );
}

/** Ids of dead letters whose entity the index has in a newer version: that one is on its way, held, or failed by itself. */
async function newerThan(
  ports: DeadLetterPorts,
  candidates: readonly (ReplayableItem & { stored: Stored<DeadLetter> })[],
): Promise<Set<string>> {
  const newer = new Set<string>();
  for (const [id, ofDefinition] of Map.groupBy(candidates, ({ definition }) => definition.id)) {
    const entries = await ports.index.read(
      id,
      ofDefinition.map(({ item }) => item.entity),
    );
    for (const { item, stored } of ofDefinition) {
      const known = entries.get(entityKey(item.entity))?.value.version ?? 0;
      if (known > item.version) newer.add(stored.value.id);
    }
  }
  return newer;
}

async function send(
  ports: DeadLetterPorts,
  candidates: readonly Candidate[],
  orderOf: (letter: DeadLetter) => Order | undefined,
  nextSlot: () => number,
): Promise<ReplayRefusal[]> {
  const results: ReplayRefusal[] = [];
  const claimed: Claimed[] = [];
  await inParallel(candidates, PARALLEL, async (candidate) => {
    const order = orderOf(candidate.stored.value);
    if (order === undefined) return;
    const claim = await claimOne(ports, candidate, order, nextSlot);
    if ("stored" in claim) claimed.push(claim);
    else results.push(claim);
  });
  for (const [queue, ofQueue] of Map.groupBy(claimed, ({ definition }) =>
    workQueueOf(definition),
  )) {
    const messages = ofQueue.flatMap(({ message }) => message ?? []);
    try {
      if (messages.length > 0) await ports.bus.send(queue, messages);
      await ports.progress.createMarkers(ofQueue.flatMap((one) => markersOf(ports, one)));
      for (const [id, ofDefinition] of Map.groupBy(ofQueue, ({ definition }) => definition.id)) {
        const cycles = ofDefinition.map(({ cycleId }) => cycleId);
        await reopenCycles(ports, id, cycles);
      }
    } catch (error) {
      // Some may have been accepted: the same ids go out again when the request is repeated.
      ports.logger.error("replay not sent", { queue, count: ofQueue.length, error: String(error) });
      results.push(...(await inParallel(ofQueue, PARALLEL, (one) => giveUp(ports, one))));
      continue;
    }
    results.push(...(await inParallel(ofQueue, PARALLEL, (one) => noteSent(ports, one))));
  }
  return results;
}

async function claimOne(
  ports: DeadLetterPorts,
  candidate: Candidate,
  order: Order,
  nextSlot: () => number,
): Promise<Claimed | ReplayRefusal> {
  const { stored, item, definition, superseded } = candidate;
  const nowMs = ports.clock.now();
  const number = nextReplayNumber(stored.value);
  const messageId = replayMessageId(
    { definition: definition.id, version: item.version, itemId: item.itemId },
    number,
  );
  const slot = superseded ? 0 : nextSlot();
  const scheduledAtMs =
    slot === 0 ? undefined : nowMs + Math.ceil((slot * 1_000) / replaysPerSecond);
  const letter = withReplay(
    stored.value,
    { messageId, number, superseded, scheduledAtMs, nowMs },
    order,
  );
  let claim: Stored<DeadLetter> | undefined;
  try {
    claim =
      (await ports.letters.replace(letter, stored.etag)) ?? (await ownClaim(ports, letter, order));
    if (claim === undefined) return await lostClaim(ports, stored.value);
    // Nothing goes out without a trace of who sent it.
    await auditLastActions(ports, claim.value);
  } catch (error) {
    ports.logger.error("replay not begun", { id: letter.id, error: String(error) });
    return claim === undefined
      ? result(stored.value, "failed", tryAgain)
      : giveUp(ports, { stored: claim });
  }
  return {
    ...candidate,
    stored: claim,
    message: superseded ? undefined : messageOf(ports, candidate, messageId, scheduledAtMs),
  };
}

/** A write whose answer was lost is tried again by the SDK, and then finds the etag changed: by itself. */
async function ownClaim(
  ports: DeadLetterPorts,
  letter: DeadLetter,
  { traceId }: Order,
): Promise<Stored<DeadLetter> | undefined> {
  const now = await ports.letters.read(letter.id, letter.group);
  const last = now?.value.actions?.at(-1);
  const own = last?.traceId === traceId && last.at === letter.actions?.at(-1)?.at;
  return own && now?.value.state === "replayed" ? now : undefined;
}

/** Somebody else was faster: what they did is the answer. */
async function lostClaim(ports: DeadLetterPorts, before: DeadLetter): Promise<ReplayRefusal> {
  const now = await ports.letters.read(before.id, before.group);
  if (now === undefined) return result(before, "not-found");
  switch (now.value.state) {
    case "replayed":
      return alreadyReplayed(now.value);
    case "discarded":
      return result(now.value, "refused", `it was discarded${lastStep(now.value)}`);
    case "open":
      return result(now.value, "failed", changed);
  }
}

function messageOf(
  ports: DeadLetterPorts,
  { stored, item, definition, cycleId }: Candidate,
  messageId: string,
  scheduledAtMs: number | undefined,
): OutgoingMessage {
  // No attempts go along: the time for retries begins anew. The log of the earlier ones stays in the dead letter.
  return singleItemMessage(
    {
      stamp: ports.stamp,
      definition,
      stream: streamOf(item.entity.type),
      cycleId,
      version: item.version,
      time: new Date(ports.clock.now()).toISOString(),
      traceparent: ports.tracing.traceparent() ?? stored.value.traceparent ?? undefined,
    },
    item,
    { messageId, ...(scheduledAtMs === undefined ? {} : { scheduledAt: new Date(scheduledAtMs) }) },
  );
}

function markersOf(
  ports: DeadLetterPorts,
  { stored, item, definition, cycleId, superseded }: Claimed,
): Marker[] {
  const { replay } = stored.value;
  if (replay === undefined) return [];
  const { messageId } = replay;
  const nowMs = ports.clock.now();
  const place = { definition: definition.id, cycleId, version: item.version };
  return [
    withdrawalOf(stored.value, messageId, place, nowMs),
    ...(superseded ? [endOf(messageId, place, { superseded: 1 }, nowMs)] : []),
  ];
}

async function noteSent(ports: DeadLetterPorts, { stored }: Claimed): Promise<ReplayRefusal> {
  const letter = withReplaySent(stored.value, ports.clock.now());
  // A lost write is none: its item has failed again already, and the letter is open.
  await ports.letters.replace(letter, stored.etag);
  return result(letter, letter.replay?.superseded === true ? "superseded" : "replayed");
}

async function giveUp(
  ports: DeadLetterPorts,
  { stored }: Pick<Candidate, "stored">,
): Promise<ReplayRefusal> {
  try {
    await ports.letters.replace(withClaimGivenUp(stored.value, ports.clock.now()), stored.etag);
  } catch (error) {
    // It lapses by itself.
    ports.logger.warn("claim not given up", { id: stored.value.id, error: String(error) });
  }
  return result(stored.value, "failed", tryAgain);
}

const changed = "it changed at this moment; ask again";
const tryAgain = "a cloud service did not answer; ask again, nothing is sent twice";

function alreadyReplayed(letter: DeadLetter): ReplayRefusal {
  const { replay } = letter;
  const underWay = replay !== undefined && replay.sentAt === null;
  const detail = underWay
    ? `it is being sent; if it is still not noted as sent after ${replay.claimedUntil}, ask again`
    : null;
  return result(letter, "already-replayed", detail);
}

function forecast({ stored, superseded }: Candidate): ReplayRefusal {
  return result(stored.value, superseded ? "superseded" : "replayed");
}

export function refusal(letter: DeadLetter, problems: readonly FieldProblem[]): ReplayRefusal {
  const detail = problems
    .map(
      ({ field, problem, hint }) => `${field}: ${problem}${hint === undefined ? "" : ` (${hint})`}`,
    )
    .join("; ");
  return { ...result(letter, "refused", detail.slice(0, limits.reasonChars)), problems };
}

export function result(
  letter: DeadLetter,
  outcome: DeadLetterResult["outcome"],
  detail: string | null = null,
): DeadLetterResult {
  const { replay } = letter;
  const sent = replay !== undefined && !replay.superseded && letter.state === "replayed";
  return {
    id: letter.id,
    outcome,
    messageId: sent ? replay.messageId : null,
    scheduledAt: sent ? replay.scheduledAt : null,
    detail,
  };
}

/** ` by NAME at TIME: REASON` */
export function lastStep({ actions }: DeadLetter): string {
  const step = actions?.at(-1);
  if (step === undefined) return "";
  const who = step.by === null ? "" : ` by ${step.by.name}`;
  return `${who} at ${step.at}: ${step.reason}`;
}
