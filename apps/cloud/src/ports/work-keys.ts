/** The keys that the cloud stamps its work with. */
import type { KeyBytes, KeyId } from "@postern/contracts";

/** Shows neither in logs nor as JSON: keep `secret` in closures and hand it to HMAC only. */
export interface WorkKey {
  readonly id: KeyId;
  readonly secret: KeyBytes;
  /** When it began to sign, by the vault: an instance that was cut off may have signed with another one since. */
  readonly signsFromMs: number;
  /** When the next key took over; null while this one signs. */
  readonly signsUntilMs: number | null;
}

export type KeyFinding =
  | { readonly kind: "known"; readonly key: WorkKey }
  /** Disabled by a person, who thinks that it leaked: nothing that it stamped counts. */
  | { readonly kind: "revoked" }
  /** Not there, though the vault has just been read again. */
  | { readonly kind: "unknown" };

export interface WorkKeys {
  /**
   * The key that signs now. A new key verifies everywhere before it signs anywhere.
   *
   * @throws ServiceUnavailable when no key is in memory and the vault cannot be read
   */
  signing(): Promise<WorkKey>;
  /**
   * The key that a code names. One that is not in memory makes it read the vault again (not more often than every few
   * seconds, so that invented ids cost nothing).
   *
   * @throws ServiceUnavailable when the key is not in memory and the vault cannot be read
   */
  verifying(id: KeyId): Promise<KeyFinding>;
  /** The ids that `verifying` knows, revoked ones among them; as of at most a minute ago while the vault answers. */
  ids(): Promise<readonly KeyId[]>;
}
