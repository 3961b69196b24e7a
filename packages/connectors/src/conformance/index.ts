export {
  assertVersionsRise,
  type ConformanceCase,
  conformanceCases,
  hostileTexts,
} from "./conformance-cases";
export type { AuditEntry, ConformanceHarness, PersonRow } from "./harness";
export { applyItem, claimant, definition, member, noPerson, person } from "./items";
export { outcomesOf } from "./outcomes";
