import type { Lane } from "@postern/contracts";
import type { TargetFailure } from "@postern/connectors";
import type { UnitItem } from "./unit-forming";
import { leavesItsLane, type Verdict } from "./verdict";
import type { Hold } from "./lane-hold";
import type { SuspectTrials } from "../suspects/suspect-trials";

/** What the rounds of one unit share. */
export interface RoundState {
  readonly lane: Lane;
  readonly hold: Hold;
  readonly verdicts: Verdict[][];
  /** Of a unit that may end the process. */
  readonly trials: SuspectTrials | undefined;
  /** How the unit is applied: like any other, as a whole with nothing else under way, or item by item. */
  manner: "together" | "watched" | "alone";
  targetDown: TargetFailure | undefined;
  ledgerMs: number;
  targetMs: number;
}

export function conclude(state: RoundState, entry: UnitItem, verdict: Verdict): void {
  const ofMessage = state.verdicts[entry.messageIndex];
  if (ofMessage !== undefined) ofMessage[entry.itemIndex] = verdict;
}

export function leaving(state: RoundState, round: readonly UnitItem[]): readonly UnitItem[] {
  return round.filter(({ messageIndex, itemIndex }) => {
    const verdict = state.verdicts[messageIndex]?.[itemIndex];
    return verdict !== undefined && leavesItsLane(verdict);
  });
}
