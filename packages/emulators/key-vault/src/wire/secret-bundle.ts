/** Secrets as the service writes them. */
import type { SecretVersion, StoredSecret } from "../engine/secret";
import { newestOf } from "../engine/vault";

const RECOVERABLE_DAYS = 90;
const DAY_SECONDS = 24 * 60 * 60;

type Json = Readonly<Record<string, unknown>>;

/** Without the value. */
export function secretItem(id: string, version: SecretVersion): Json {
  const { enabled, nbf, exp, created, updated, contentType, tags } = version;
  return {
    id,
    attributes: {
      enabled,
      nbf,
      exp,
      created,
      updated,
      recoveryLevel: "Recoverable+Purgeable",
      recoverableDays: RECOVERABLE_DAYS,
    },
    contentType,
    tags,
  };
}

export function secretBundle(baseUrl: string, name: string, version: SecretVersion): Json {
  return { value: version.value, ...versionItem(baseUrl, name, version) };
}

export function versionItem(baseUrl: string, name: string, version: SecretVersion): Json {
  return secretItem(`${baseUrl}/secrets/${name}/${version.id}`, version);
}

export function deletedBundle(baseUrl: string, secret: StoredSecret): Json {
  const deleted = secret.deleted ?? 0;
  return {
    ...versionItem(baseUrl, secret.name, newestOf(secret)),
    recoveryId: `${baseUrl}/deletedsecrets/${secret.name}`,
    deletedDate: deleted,
    scheduledPurgeDate: deleted + RECOVERABLE_DAYS * DAY_SECONDS,
  };
}
