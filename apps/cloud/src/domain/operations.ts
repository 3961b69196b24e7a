/** What callers over HTTP may do to a sync definition. Every operation validates what it needs and is safe to repeat. */
export { listCycles, viewCycle, viewSync } from "../cycles/cycle-views";
export { applyDefinition, startCycle } from "../sync/definitions/apply-definition";
export { listHolds, releaseHolds } from "../sync/holds/held-items";
export { startOnDemand } from "../sync/pages/on-demand";
