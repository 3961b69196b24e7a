/**
 * The keys that stamp work, read from the vault and held in memory: a call to the vault for each message would be
 * throttled. The vault is asked for the versions of one secret, and once for the value of each.
 *
 * - While keys are used, the versions are read again before they are a minute old. Until then callers go on with what
 *   is held.
 * - A key id that is not held causes a read at once, but no more than one in five seconds: invented ids cost nothing.
 * - When the vault is away, what is held goes on signing and verifying, and nobody waits for the vault.
 * - A disabled version is revoked: its value is forgotten with the next read.
 */
import { KeyId, workKeySecretName } from "@postern/contracts";
import { inParallel, type Logger, ServiceUnavailable, type WallClock } from "@postern/runtime";
import type { SecretVersion, SecretVersions } from "../../ports/secret-versions";
import type { KeyFinding, WorkKey, WorkKeys } from "../../ports/work-keys";
import { type KeyRing, keyRing } from "./key-ring";
import { type KeyValue, readKeyValue } from "./key-value";

/** Nobody works with an older picture while the vault answers. */
const MAX_AGE_MS = 60_000;
/** Read again from this age on, while callers go on. */
const READ_AGAIN_MS = 45_000;
const BETWEEN_READS_MS = 5_000;
/** Keys beyond the newest 100 are unknown: rotated every day, a key verifies for 100 days. */
const MAX_KEYS = 100;
const READS_AT_ONCE = 4;

interface VaultKeysPorts {
  readonly secrets: SecretVersions;
  readonly clock: WallClock;
  readonly logger: Logger;
}

export function createVaultKeys(ports: VaultKeysPorts): WorkKeys {
  return new VaultKeys(ports);
}

class VaultKeys implements WorkKeys {
  readonly #ports: VaultKeysPorts;
  /** Values by version, also of those that are none: none is read twice. */
  #values = new Map<KeyId, KeyValue>();
  #ring: KeyRing | undefined;
  #readAtMs = -Infinity;
  #triedAtMs = -Infinity;
  #reading: Promise<void> | undefined;
  /** Of the last read, when it failed. */
  #failure: ServiceUnavailable | undefined;
  #failedTries = 0;

  constructor(ports: VaultKeysPorts) {
    this.#ports = ports;
  }

  async signing(): Promise<WorkKey> {
    await this.#refresh();
    const held = this.#ring?.signing(this.#nowMs);
    if (held !== undefined) return held;
    await this.#read();
    const read = this.#ring?.signing(this.#nowMs);
    if (read === undefined) throw this.#failure ?? noKey();
    return read;
  }

  async verifying(id: KeyId): Promise<KeyFinding> {
    await this.#refresh();
    const held = this.#find(id);
    if (held.kind !== "unknown") return held;
    await this.#read();
    const found = this.#find(id);
    if (found.kind === "unknown" && this.#failure !== undefined) throw this.#failure;
    return found;
  }

  async ids(): Promise<readonly KeyId[]> {
    await this.#refresh();
    return this.#ring?.ids ?? [];
  }

  get #nowMs(): number {
    return this.#ports.clock.now();
  }

  /** A clock that was set back must not put the next read off. */
  #since(atMs: number): number {
    return Math.abs(this.#nowMs - atMs);
  }

  #find(id: KeyId): KeyFinding {
    return this.#ring?.finding(id, this.#nowMs) ?? { kind: "unknown" };
  }

  async #refresh(): Promise<void> {
    const ageMs = this.#since(this.#readAtMs);
    if (ageMs < READ_AGAIN_MS) return;
    const isAway = this.#failure !== undefined;
    const reading = this.#read();
    if (ageMs >= MAX_AGE_MS && !isAway) await reading;
  }

  /** Never rejects. Callers share one read; none begins within five seconds of the last. */
  async #read(): Promise<void> {
    if (this.#reading === undefined) {
      const nowMs = this.#nowMs;
      if (this.#since(this.#triedAtMs) < BETWEEN_READS_MS) return;
      this.#triedAtMs = nowMs;
      this.#reading = this.#readVault(nowMs).finally(() => {
        this.#reading = undefined;
      });
    }
    await this.#reading;
  }

  async #readVault(nowMs: number): Promise<void> {
    const { logger } = this.#ports;
    try {
      await this.#readVersions();
      this.#readAtMs = nowMs;
      if (this.#failure !== undefined)
        logger.info("vault.recovered", { failedTries: this.#failedTries });
      this.#failure = undefined;
      this.#failedTries = 0;
    } catch (error) {
      const failure =
        error instanceof ServiceUnavailable
          ? error
          : new ServiceUnavailable("key-vault", "the vault cannot be read", { cause: error });
      if (this.#failure === undefined) logger.warn("vault.failed", { error: failure });
      this.#failure = failure;
      this.#failedTries += 1;
    }
  }

  /** @throws ServiceUnavailable when something could not be read; what could is held */
  async #readVersions(): Promise<void> {
    const { secrets } = this.#ports;
    const versions = idsChecked(await secrets.versions(workKeySecretName));
    // Versions are never deleted one by one: a secret without any was deleted, which revokes nothing.
    if (versions.length === 0) throw noKey();
    const enabled = versions
      .filter((version) => version.enabled)
      .toSorted((one, other) => other.createdMs - one.createdMs)
      .slice(0, MAX_KEYS);
    const values = new Map<KeyId, KeyValue>();
    const failures: unknown[] = [];
    await inParallel(enabled, READS_AT_ONCE, async ({ id }) => {
      try {
        values.set(id, this.#values.get(id) ?? (await this.#valueOf(id)));
      } catch (error) {
        failures.push(error);
      }
    });
    this.#values = values;
    const keys = enabled.flatMap(({ id, createdMs }) => {
      const value = values.get(id);
      if (value !== undefined && "problem" in value) return [];
      return [{ id, createdMs, secret: value?.secret }];
    });
    const revoked = versions.filter((version) => !version.enabled).map(({ id }) => id);
    this.#ring = keyRing(keys, revoked);
    if (failures.length > 0) throw failures[0];
  }

  async #valueOf(id: KeyId): Promise<KeyValue> {
    const { secrets, logger } = this.#ports;
    const value = readKeyValue(await secrets.value(workKeySecretName, id));
    if ("problem" in value) {
      const { problem } = value;
      logger.error("work-key.rejected", { secret: workKeySecretName, version: id, problem });
    }
    return value;
  }
}

function idsChecked(versions: readonly SecretVersion[]) {
  return versions.map((version) => {
    const id = KeyId.safeParse(version.id);
    if (!id.success)
      throw new ServiceUnavailable(
        "key-vault",
        `'${workKeySecretName}' has a version without an id`,
      );
    return { ...version, id: id.data };
  });
}

function noKey(): ServiceUnavailable {
  return new ServiceUnavailable(
    "key-vault",
    `the vault has no enabled version of the secret '${workKeySecretName}' that holds 32 random bytes in base64; ` +
      "make one with infra/scripts/rotate-work-key.sh",
  );
}
