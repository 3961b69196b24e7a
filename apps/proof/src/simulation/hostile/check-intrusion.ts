/**
 * What a hostile agent may do and what it may not. Of work of its own group that it received under lock it may say
 * anything: nobody else knows better. Of all other work what counts is what its honest holder reported; nothing that it
 * made up reaches a target, a job or another group; and what proves nothing shows as a security event.
 */
import {
  type Marker,
  type OutcomeCounts,
  stampedParts,
  type WorkMessage,
} from "@postern/contracts";
import { ownLease } from "./forged-messages";
import type { Expectation } from "./intruder";
import type { Knowledge } from "./knowledge";
import { annexDefinition, annexPlace, definition, place } from "../plan/sim-definition";
import type { CloudStores } from "../services/cloud-stores";
import type { FakeVault } from "../services/fake-vault";
import type { History } from "../check/history";

export interface IntrudedWorld {
  readonly stores: CloudStores;
  readonly vault: FakeVault;
  readonly knowledge: Knowledge;
  readonly expectations: readonly Expectation[];
  /** Of the hostile agent's group, and of the other. */
  readonly histories: { readonly annex: History; readonly others: History };
  /** Whether an instance of the cloud ever heard of a key late. */
  readonly blinded: boolean;
}

export function checkIntrusion(world: IntrudedWorld): string[] {
  return [...checkMarkers(world), ...checkJobs(world), ...checkEvents(world)];
}

/** No failure is lost, and no outcome made up: for what the hostile agent never held its holder's report counts. */
function checkMarkers({ stores, knowledge, histories }: IntrudedWorld): string[] {
  const problems: string[] = [];
  const said = new Set([
    ...[...knowledge.taken.map(({ work }) => work), knowledge.before.moved].flatMap(partIds),
  ]);
  const honest = (id: string): readonly OutcomeCounts[] => [
    ...(histories.annex.honest.get(id) ?? []),
    ...(histories.others.honest.get(id) ?? []),
  ];
  for (const name of [definition.id, annexDefinition.id]) {
    for (const marker of stores.progress.ofType<Marker>(name, "marker")) {
      const { id, workMessageId, report, counts } = marker;
      const parked = id.endsWith(":parked");
      if (said.has(workMessageId.replace(/~p\d{1,4}$/, ""))) continue;
      if (parked) problems.push(`${workMessageId} was parked by nobody who held it`);
      // A replay that the cloud itself could not finish.
      if (report === undefined || report === "replay-watch") continue;
      if (!honest(workMessageId).some((each) => sameCounts(each, counts))) {
        problems.push(
          `${workMessageId} counts as ${JSON.stringify(counts)} by ${report}, which nobody who held it reported`,
        );
      }
    }
  }
  return problems;
}

function partIds(work: WorkMessage): string[] {
  return stampedParts(work).map(({ id }) => id);
}

function sameCounts(one: OutcomeCounts, other: OutcomeCounts): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof OutcomeCounts>;
  return [...names].every((name) => (one[name] ?? 0) === (other[name] ?? 0));
}

function checkJobs({ stores }: IntrudedWorld): string[] {
  return stores.jobResults
    .filter(
      ({ jobId, attempt, agent, group }) =>
        jobId !== ownLease.jobId ||
        attempt !== ownLease.attempt ||
        agent !== ownLease.agent ||
        group !== annexPlace.group,
    )
    .map(({ jobId, attempt, agent }) => {
      return `attempt ${attempt} of ${jobId} ended by '${agent}', who had no lease of it`;
    });
}

function checkEvents({ stores, vault, expectations, blinded }: IntrudedWorld): string[] {
  const problems: string[] = [];
  const revoked = vault.revoked.size > 0;
  const { security } = stores;
  for (const { messageId, kinds } of expectations) {
    const found = security.kindsOf(annexPlace.group, messageId);
    const allowed: string[] = [
      ...kinds,
      ...(revoked ? ["key-revoked"] : []),
      ...(blinded ? ["key-unknown"] : []),
    ];
    if (allowed.some((kind) => [...found].some((each) => each === kind))) continue;
    problems.push(
      `${messageId} was forged, and shows as ${[...found].join(", ") || "nothing"}, not as ${kinds.join(" or ")}`,
    );
  }
  for (const kind of security.kindsIn(place.group)) {
    if ((kind === "key-revoked" && revoked) || (kind === "key-unknown" && blinded)) continue;
    problems.push(`group '${place.group}' is said to have sent what is ${kind}`);
  }
  return problems;
}

/** Items of a cycle that nobody may have reported: those that the hostile agent held, and those of a revoked key. */
export function excusedItems(
  { vault, knowledge, stores }: Pick<IntrudedWorld, "vault" | "knowledge" | "stores">,
  history: History,
  cycleId: string,
): number {
  const parts = new Map<string, number>();
  for (const { message, parts: of } of history.work.values()) {
    if (message.cycleId !== cycleId) continue;
    const lost = vault.revoked.has(message.proof.key) || knowledge.takenIds.has(message.messageId);
    if (!lost) continue;
    const known = stores.progress.container(message.definition).documents;
    for (const { id, from, to } of of) {
      const marker = known.get(`marker:${id.replace(/[/\\?#]/g, "_")}`)?.value as
        Marker | undefined;
      // Counted before its key was revoked, and then the copies of what waits were never sent.
      const unsent = marker?.retries?.filter((retry) => !history.work.has(retry)).length;
      parts.set(id, unsent ?? (marker === undefined ? to - from : 0));
    }
  }
  return [...parts.values()].reduce((sum, count) => sum + count, 0);
}
