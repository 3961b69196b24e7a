import {
  clip,
  type DeadLetter,
  type DeadLetterResult,
  type FieldProblem,
  limits,
} from "@postern/contracts";
import { lastStepText, resultOf } from "../dead-letter-result";

export interface ReplayResult extends DeadLetterResult {
  /** Of one that was refused: what keeps it from being sent, field by field. */
  readonly problems?: readonly FieldProblem[];
}

export const changedMeanwhile = "it changed while it was being replayed; try again";
export const serviceUnavailable =
  "a cloud service is unavailable; try again, nothing is sent twice";

export function alreadyReplayed(letter: DeadLetter): ReplayResult {
  const { replay } = letter;
  const underWay = replay !== undefined && replay.sentAt === null;
  const detail = underWay
    ? `it is being sent; if it is still not noted as sent after ${replay.claimedUntil}, try again`
    : null;
  return resultOf(letter, "already-replayed", detail);
}

export function alreadyDiscarded(letter: DeadLetter): ReplayResult {
  return resultOf(letter, "refused", `it was discarded${lastStepText(letter)}`);
}

export function refusal(letter: DeadLetter, problems: readonly FieldProblem[]): ReplayResult {
  const detail = problems
    .map(
      ({ field, problem, hint }) => `${field}: ${problem}${hint === undefined ? "" : ` (${hint})`}`,
    )
    .join("; ");
  return { ...resultOf(letter, "refused", clip(detail, limits.reasonChars)), problems };
}
