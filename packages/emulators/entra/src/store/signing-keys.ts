import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
} from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { exportJWK, type JWK } from "jose";
import { z } from "zod";

/*
 * The issuer's signing keys. The last one signs; the earlier ones stay published after a rotation, as in Entra, so that
 * tokens signed before it stay valid. With a directory they survive a restart.
 */

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

export interface SigningKeys {
  current(): SigningKey;
  published(): readonly JWK[];
  /** Signs with a new key from now on; `retire` also withdraws the earlier ones. */
  rotate(options?: { readonly retire?: boolean }): Promise<void>;
}

const StoredKeys = z.array(z.string().min(1)).min(1);

async function newPrivateKey(): Promise<KeyObject> {
  return (await promisify(generateKeyPair)("rsa", { modulusLength: 2048 })).privateKey;
}

async function signingKey(privateKey: KeyObject): Promise<SigningKey> {
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: "spki", format: "der" });
  const kid = createHash("sha256").update(der).digest("base64url").slice(0, 27);
  return {
    kid,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, use: "sig", alg: "RS256" },
  };
}

export async function openSigningKeys(directory: string | undefined): Promise<SigningKeys> {
  const file = directory === undefined ? undefined : path.join(directory, "signing-keys.json");
  const stored =
    file !== undefined && existsSync(file)
      ? StoredKeys.parse(JSON.parse(readFileSync(file, "utf8"))).map((pem) => createPrivateKey(pem))
      : [await newPrivateKey()];
  let keys = await Promise.all(stored.map(signingKey));

  const save = (): void => {
    if (directory === undefined || file === undefined) return;
    mkdirSync(directory, { recursive: true });
    const pems = keys.map((key) => key.privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(`${file}.new`, JSON.stringify(pems), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  save();

  return {
    current: () => {
      const last = keys.at(-1);
      if (last === undefined) throw new RangeError("there is always a signing key");
      return last;
    },
    published: () => keys.map((key) => key.publicJwk),
    rotate: async (options = {}) => {
      const next = await signingKey(await newPrivateKey());
      keys = options.retire === true ? [next] : [...keys, next];
      save();
    },
  };
}
