/** The key that stamps what is sent now. */
import { leaseCode, type LeaseFacts, type LeaseProof, type WorkSigner } from "@postern/contracts";
import type { WallClock } from "@postern/runtime";
import type { WorkKeys } from "../ports/work-keys";

/** @throws ServiceUnavailable when there is no key to sign with */
export async function signerNow({
  workKeys,
  clock,
}: {
  readonly workKeys: WorkKeys;
  readonly clock: WallClock;
}): Promise<WorkSigner> {
  const { id, secret } = await workKeys.signing();
  return { key: id, secret, at: new Date(clock.now()).toISOString() };
}

export function leaseProof(
  { key, at, secret }: WorkSigner,
  facts: Omit<LeaseFacts, "key" | "at">,
): LeaseProof {
  return { key, at, code: leaseCode(secret, { ...facts, key, at }) };
}
