import type { ApplyResult, TargetFailure } from "../../connector";
import type { PlannedItem } from "../rows/planned-item";

/** Results of the items that have one. */
export type Results = Map<PlannedItem, ApplyResult>;

export const failed = (failure: TargetFailure): ApplyResult => ({ outcome: "failed", failure });
