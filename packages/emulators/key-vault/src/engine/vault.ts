/**
 * The secrets of a vault.
 *
 *   set → active ──delete──▶ deleted ──purge──▶ gone
 *                ◀─recover──
 *
 * Each `set` adds a version; versions are never removed one by one, and their values never change. `nbf` and `exp` are
 * kept and change nothing: the service returns values outside of them too.
 */
import { randomBytes } from "node:crypto";
import type { SecretChanges, SecretStore, SecretVersion, StoredSecret } from "./secret";
import { deletedButRecoverable, secretDisabled, secretNotFound } from "./vault-error";

const VERSION_ID_BYTES = 16;

export class Vault {
  readonly #store: SecretStore;
  readonly #nowMs: () => number;
  /** By name in lower case: names differ by more than case. */
  readonly #secrets: Map<string, StoredSecret>;

  constructor(store: SecretStore, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
    this.#secrets = new Map(store.load().map((secret) => [keyOf(secret.name), secret]));
  }

  has(name: string): boolean {
    return this.#secrets.has(keyOf(name));
  }

  /** @throws VaultError 409 while a deleted secret has the name */
  set(name: string, value: string, changes: SecretChanges): SecretVersion {
    const known = this.#secrets.get(keyOf(name));
    if (known?.deleted !== undefined) throw deletedButRecoverable(name);
    const now = this.#seconds();
    const version: SecretVersion = {
      ...changes,
      id: randomBytes(VERSION_ID_BYTES).toString("hex"),
      value,
      enabled: changes.enabled ?? true,
      created: now,
      updated: now,
    };
    const versions = [...(known?.versions ?? []), version];
    this.#put({ name: known?.name ?? name, versions });
    return version;
  }

  /**
   * @param id the newest version when empty
   * @throws VaultError 404 when there is no such version, 403 when it is disabled
   */
  get(name: string, id: string): SecretVersion {
    const version = versionOf(this.#active(name), id);
    if (!version.enabled) throw secretDisabled();
    return version;
  }

  /** Ordered by id, as the service lists them; empty when there is no such secret. */
  versions(name: string): SecretVersion[] {
    const secret = this.#secrets.get(keyOf(name));
    if (secret === undefined || secret.deleted !== undefined) return [];
    return secret.versions.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** Active secrets ordered by name. */
  list(): StoredSecret[] {
    return [...this.#secrets.values()]
      .filter(({ deleted }) => deleted === undefined)
      .toSorted((one, other) => (keyOf(one.name) < keyOf(other.name) ? -1 : 1));
  }

  /**
   * @param id the newest version when empty
   * @throws VaultError 404 when there is no such version
   */
  update(name: string, id: string, changes: SecretChanges): SecretVersion {
    const secret = this.#active(name);
    const version = versionOf(secret, id);
    const changed: SecretVersion = {
      ...version,
      ...changes,
      enabled: changes.enabled ?? version.enabled,
      updated: this.#seconds(),
    };
    const versions = secret.versions.map((each) => (each === version ? changed : each));
    this.#put({ ...secret, versions });
    return changed;
  }

  /** @throws VaultError 404 when there is no such secret */
  delete(name: string): StoredSecret {
    return this.#put({ ...this.#active(name), deleted: this.#seconds() });
  }

  /** @throws VaultError 404 when no deleted secret has the name */
  getDeleted(name: string): StoredSecret {
    const secret = this.#secrets.get(keyOf(name));
    if (secret?.deleted === undefined) throw secretNotFound(name);
    return secret;
  }

  /** @throws VaultError 404 when no deleted secret has the name */
  recover(name: string): StoredSecret {
    const { deleted: _deleted, ...secret } = this.getDeleted(name);
    return this.#put(secret);
  }

  /** @throws VaultError 404 when no deleted secret has the name */
  purge(name: string): void {
    this.#secrets.delete(keyOf(this.getDeleted(name).name));
    this.#save();
  }

  #active(name: string): StoredSecret {
    const secret = this.#secrets.get(keyOf(name));
    if (secret === undefined || secret.deleted !== undefined) throw secretNotFound(name);
    return secret;
  }

  #put(secret: StoredSecret): StoredSecret {
    this.#secrets.set(keyOf(secret.name), secret);
    this.#save();
    return secret;
  }

  #save(): void {
    this.#store.save([...this.#secrets.values()]);
  }

  #seconds(): number {
    return Math.floor(this.#nowMs() / 1000);
  }
}

function keyOf(name: string): string {
  return name.toLowerCase();
}

/** The newest version. */
export function newestOf({ name, versions }: StoredSecret): SecretVersion {
  const newest = versions.at(-1);
  if (newest === undefined) throw secretNotFound(name);
  return newest;
}

function versionOf(secret: StoredSecret, id: string): SecretVersion {
  if (id === "") return newestOf(secret);
  const version = secret.versions.find((each) => each.id === id.toLowerCase());
  if (version === undefined) throw secretNotFound(`${secret.name}/${id}`);
  return version;
}
