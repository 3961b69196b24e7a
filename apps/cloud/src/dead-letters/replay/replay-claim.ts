/** The claim of a dead letter: written and audited before anything is sent. */
import type { DeadLetter, WorkSigner } from "@postern/contracts";
import type { OutgoingMessage } from "../../ports/message-bus";
import type { Stored } from "../../ports/stores";
import { type Order, withClaimGivenUp, withReplay } from "../dead-letter";
import { auditLastActions } from "../dead-letter-audit";
import type { DeadLetterPorts } from "../dead-letter-ports";
import { resultOf } from "../dead-letter-result";
import { signerNow } from "../../proofs/signing";
import type { Candidate } from "./replay-candidates";
import { nextReplayNumber, replayMessageId } from "./replay-id";
import { replayMessage } from "./replay-message";
import {
  alreadyDiscarded,
  alreadyReplayed,
  changedMeanwhile,
  type ReplayResult,
  serviceUnavailable,
} from "./replay-result";

/** The first is sent immediately; the others are spread so that targets and lanes do not meet a wave. */
export const replaysPerSecond = 50;

export interface Claimed extends Candidate {
  readonly message: OutgoingMessage | undefined;
}

export async function claimReplay(
  ports: DeadLetterPorts,
  candidate: Candidate,
  order: Order,
  nextSlot: () => number,
): Promise<Claimed | ReplayResult> {
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
  let signer: WorkSigner;
  try {
    claim =
      (await ports.letters.replace(letter, stored.etag)) ?? (await ownClaim(ports, letter, order));
    if (claim === undefined) return await lostClaim(ports, stored.value);
    // Nothing goes out without a trace of who sent it.
    await auditLastActions(ports, claim.value);
    signer = await signerNow(ports);
  } catch (error) {
    ports.logger.error("replay.start-failed", { id: letter.id, error: String(error) });
    return claim === undefined
      ? resultOf(stored.value, "failed", serviceUnavailable)
      : giveUpClaim(ports, { stored: claim });
  }
  return {
    ...candidate,
    stored: claim,
    message: superseded
      ? undefined
      : replayMessage(ports, signer, candidate, messageId, scheduledAtMs),
  };
}

/** If a write's response is lost, the SDK retries it and conflicts with its own first attempt. */
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

/** Another request was faster: what it did is the result. */
async function lostClaim(ports: DeadLetterPorts, before: DeadLetter): Promise<ReplayResult> {
  const now = await ports.letters.read(before.id, before.group);
  if (now === undefined) return resultOf(before, "not-found");
  switch (now.value.state) {
    case "replayed":
      return alreadyReplayed(now.value);
    case "discarded":
      return alreadyDiscarded(now.value);
    case "open":
      return resultOf(now.value, "failed", changedMeanwhile);
  }
}

/** Sending has failed: the next request need not wait for the claim to expire. */
export async function giveUpClaim(
  ports: DeadLetterPorts,
  { stored }: Pick<Candidate, "stored">,
): Promise<ReplayResult> {
  try {
    await ports.letters.replace(withClaimGivenUp(stored.value, ports.clock.now()), stored.etag);
  } catch (error) {
    // The claim expires on its own.
    ports.logger.warn("replay-claim.release-failed", { id: stored.value.id, error: String(error) });
  }
  return resultOf(stored.value, "failed", serviceUnavailable);
}
