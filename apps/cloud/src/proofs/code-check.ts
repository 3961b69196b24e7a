/** Whether a code is the cloud's own, of a key that counts, and not too old: pure. */
import {
  type AuthenticationCode,
  historyTtlSeconds,
  isSameCode,
  type KeyBytes,
  type KeyId,
  type SecurityEventKind,
} from "@postern/contracts";
import type { KeyFinding } from "../ports/work-keys";

/** Why something does not prove itself. */
export type ProofProblem = Exclude<SecurityEventKind, "agent-unknown">;

export type ProofCheck =
  | { readonly proven: true }
  | { readonly proven: false; readonly problem: ProofProblem; readonly detail: string };

export const proven: ProofCheck = { proven: true };

export function unproven(problem: ProofProblem, detail: string): ProofCheck & { proven: false } {
  return { proven: false, problem, detail };
}

const DAY_MS = 24 * 60 * 60_000;
/**
 * Work waits in its queue for 14 days at most, and its result for 14 more (topology). A code must not outlive the
 * marker that remembers its report, which is written after it: 30 days (`historyTtlSeconds`).
 */
export const codeLifeMs = historyTtlSeconds * 1_000 - DAY_MS;
/**
 * How far ahead the clock of the instance that stamped it may have been. Less than the day by which codes expire before
 * markers.
 */
export const clockToleranceMs = 60 * 60_000;

export interface Stamped {
  readonly key: KeyId;
  readonly at: string;
  readonly code: AuthenticationCode;
}

/** @param expected makes the code of what is claimed, with the key that it names */
export function checkCode(
  { key: id, at, code }: Stamped,
  finding: KeyFinding,
  expected: (secret: KeyBytes) => AuthenticationCode,
  nowMs: number,
): ProofCheck {
  switch (finding.kind) {
    case "unknown":
      return unproven("key-unknown", `the vault has no key '${id}'`);
    case "revoked":
      return unproven("key-revoked", `the key '${id}' is disabled in the vault`);
    case "known":
      // The code first: what it does not cover says nothing, the time of an invented code included.
      if (!isSameCode(expected(finding.key.secret), code)) {
        return unproven("code-wrong", "the code is not that of the work which is named");
      }
      return checkTime(Date.parse(at), nowMs);
  }
}

/**
 * Not against the time at which the key signed: an instance that cannot reach the vault goes on with the key it has,
 * and true results would be lost. A key that leaked is revoked.
 */
function checkTime(atMs: number, nowMs: number): ProofCheck {
  if (nowMs - atMs > codeLifeMs) {
    const days = Math.round(codeLifeMs / DAY_MS);
    return unproven("code-expired", `the code is older than ${days} days`);
  }
  if (atMs - nowMs > clockToleranceMs) {
    return unproven("code-not-yet-valid", "the code is of a time that has not come yet");
  }
  return proven;
}
