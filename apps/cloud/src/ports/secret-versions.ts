/** The secrets of a vault, as the cloud reads them. */
import type { Secret } from "@postern/contracts";

/** One version of a secret, without its value. */
export interface SecretVersion {
  readonly id: string;
  /** By the vault's clock, in whole seconds. */
  readonly createdMs: number;
  readonly enabled: boolean;
}

export interface SecretVersions {
  /**
   * All versions of a secret, in no order; none when there is no such secret.
   *
   * @throws ServiceUnavailable when the vault does not answer, throttles or refuses
   */
  versions(name: string): Promise<SecretVersion[]>;
  /**
   * The value of a version, which never changes.
   *
   * @throws ServiceUnavailable when the vault does not answer, throttles or refuses
   */
  value(name: string, version: string): Promise<Secret>;
}
