import { ServiceUnavailable } from "@postern/runtime";
import type { SyncPorts } from "../ports/cloud-ports";
import type { ProofCheck } from "../proofs/code-check";
import { type PendingMessage, pendingText } from "./pending-message";
import { type ProofFailure, reportProofFailures } from "./proof-failures";

export interface Proven<T> {
  readonly proven: readonly T[];
  /** Set when some have an unknown key and could not be kept: the batch has to be delivered again. */
  readonly again: ServiceUnavailable | undefined;
}

export type PartitionPorts = Pick<SyncPorts, "clock" | "logger" | "security">;

/**
 * Parts what came into what proves itself and what does not. The latter becomes security events; what names a key that
 * is not known (yet) is kept with its event, and judged again once the vault has the key.
 *
 * @throws ServiceUnavailable
 */
export async function partitionProven<T>(
  ports: PartitionPorts,
  all: readonly T[],
  checks: readonly ProofCheck[],
  claimOf: (one: T) => Omit<ProofFailure, "kind" | "detail" | "pending">,
  pendingOf: (one: T) => PendingMessage | undefined,
): Promise<Proven<T>> {
  const proven: T[] = [];
  const failures: ProofFailure[] = [];
  for (const [index, one] of all.entries()) {
    const check = checks[index];
    if (check?.proven === true) {
      proven.push(one);
    } else if (check !== undefined) {
      const { problem: kind, detail } = check;
      const waiting = kind === "key-unknown" ? pendingOf(one) : undefined;
      const text = waiting === undefined ? undefined : pendingText(waiting);
      const pending =
        waiting === undefined || text === undefined ? {} : { pending: { key: waiting.key, text } };
      failures.push({ ...claimOf(one), kind, detail, ...pending });
    }
  }
  const kept = await reportProofFailures(ports, failures);
  const lost = failures.some(
    ({ kind, pending }, index) =>
      kind === "key-unknown" && (pending === undefined || kept[index] !== true),
  );
  // Never dropped: it may be true, and the key on its way. A sender that invents keys holds up its own group only.
  const again = lost
    ? new ServiceUnavailable("key-vault", "results name a key that the vault does not have")
    : undefined;
  return { proven, again };
}
