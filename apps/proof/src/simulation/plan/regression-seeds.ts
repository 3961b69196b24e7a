/** What the simulation has found in the product, each with a seed that showed it. The tests run them all. */
export interface FoundBug {
  readonly seed: number;
  readonly found: string;
}

export const regressionSeeds: readonly FoundBug[] = [
  {
    seed: 10,
    found: "an on-demand read asked again for the same moment was dropped as a duplicate",
  },
  {
    seed: 12,
    found: "a retry requested by an agent with a slow clock came immediately, over and over",
  },
  {
    seed: 14,
    found: "what only an abandoned enumeration had seen counted as seen, and was never deleted",
  },
  { seed: 16, found: "a requested cycle whose start message was never sent stalled forever" },
  {
    seed: 18,
    found: "a release that was interrupted left memberships behind and could not be repeated",
  },
  { seed: 24, found: "a hold outlived the newer state of its entity when the page was done again" },
  {
    seed: 31,
    found: "a sweep that was interrupted found nothing the second time: deletes were lost",
  },
  { seed: 33, found: "a release was sent and counted in part: totals did not add up" },
  {
    seed: 34,
    found: "memberships of what a sweep found gone were forgotten when it was done again",
  },
  {
    seed: 56,
    found: "two runs of one process shared a claim, and gave one version to two readings",
  },
  {
    seed: 83,
    found: "a delete that an uncommitted page had noted was forgotten by a resync begun next",
  },
  { seed: 145, found: "a requested cycle was not watched once twenty others had begun after it" },
  { seed: 626, found: "a release took away the hold that a newer page had just put in its place" },
  {
    seed: 529,
    found: "a report of an agent that had lost its lane unknowingly counted one item twice",
  },
  { seed: 585, found: "a release that met a conflict was left in the middle: memberships stayed" },
  { seed: 591, found: "a release that read an older index took away a hold that was still needed" },
  {
    seed: 650,
    found: "a page done again showed an entity on its next page: what followed it was forgotten",
  },
  {
    seed: 854,
    found: "what an interrupted on-demand read owed was taken for done by the next page",
  },
  { seed: 894, found: "a retry that a second report had asked for had an outcome of its own" },
  {
    seed: 1407,
    found: "an item unchanged by an older ledger entry was recorded without asking the target",
  },
  {
    seed: 200297,
    found: "a resync forgot a removal that a page before an on-demand read had left undone",
  },
  {
    seed: 201482,
    found: "what had been cleared before a removal was there again after the restore",
  },
  {
    seed: 516266,
    found:
      "a change taken back while it waited for a retry that had reached the target after all was called unchanged",
  },
  {
    seed: 700314,
    found: "a membership was decided by an old standing of its group: reads have to be strong",
  },
  {
    seed: 1474,
    found:
      "the same as 894, which no longer shows it: every change of timing moves what a seed does",
  },
  {
    seed: 1103529,
    found:
      "a write that reached the target long after its lane was lost, of an item whose retry had left the lane, was unknown to the ledger: a later item was called unchanged",
  },
  {
    seed: 5000005,
    found:
      "a replay of what was superseded stayed half-way when its request ended behind the claim",
  },
  {
    seed: 5000055,
    found: "a replay whose request ended behind its send counted as failed and as done",
  },
  {
    seed: 5000036,
    found: "a late agent's report made a dead letter of an item that its successor had applied",
  },
  {
    seed: 7005156,
    found:
      "an enumeration whose cycle was read as not there ended without its sweep: a delete was lost",
  },
  {
    seed: 8004283,
    found:
      "a person asked again for a replay that the timer was giving up, and had ended in the middle: sent and given up at once",
  },
  {
    seed: 8100121,
    found:
      "of the simulation: a person enabled a definition before the answer to disabling it, which was done last",
  },
  { seed: 8100477, found: "of the simulation: the same, before a removal was read" },
  {
    seed: 20001051,
    found:
      "a dead letter of a definition that had moved was replayed into the target of its new group",
  },
  {
    seed: 20001113,
    found: "a dead letter made anew from the index had other content under the version of the old",
  },
  {
    seed: 20000003,
    found: "a forged dead letter that nobody had counted was replayed, and an outcome taken back",
  },
  { seed: 100017, found: "a page that ended between index and hold left an item held forever" },
];
