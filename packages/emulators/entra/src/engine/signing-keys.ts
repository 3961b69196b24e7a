/**
 * The issuer's signing keys. The last one signs; the earlier ones stay published after a rotation, as in Entra, so that
 * tokens signed before it stay valid. Where the keys are kept is the caller's business.
 */
import { createHash, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { exportJWK, type JWK } from "jose";

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

const MODULUS_BITS = 2048;
/** Length of a key id in Entra's own tokens. */
const KEY_ID_CHARS = 27;

async function newPrivateKey(): Promise<KeyObject> {
  return (await promisify(generateKeyPair)("rsa", { modulusLength: MODULUS_BITS })).privateKey;
}

async function signingKey(privateKey: KeyObject): Promise<SigningKey> {
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: "spki", format: "der" });
  const kid = createHash("sha256").update(der).digest("base64url").slice(0, KEY_ID_CHARS);
  const jwk = await exportJWK(publicKey);
  return { kid, privateKey, publicJwk: { ...jwk, kid, use: "sig", alg: "RS256" } };
}

export class SigningKeys {
  readonly #keep: (privateKeys: readonly KeyObject[]) => void;
  #current: SigningKey;
  #earlier: readonly SigningKey[];

  private constructor(
    current: SigningKey,
    earlier: readonly SigningKey[],
    keep: (privateKeys: readonly KeyObject[]) => void,
  ) {
    this.#current = current;
    this.#earlier = earlier;
    this.#keep = keep;
  }

  /**
   * @param kept private keys of an earlier run, the signing one last; none: a key is made
   * @param keep called with all private keys, now and after every rotation
   */
  static async open(
    kept: readonly KeyObject[],
    keep: (privateKeys: readonly KeyObject[]) => void,
  ): Promise<SigningKeys> {
    const current = await signingKey(kept.at(-1) ?? (await newPrivateKey()));
    const earlier = await Promise.all(kept.slice(0, -1).map(signingKey));
    const keys = new SigningKeys(current, earlier, keep);
    keys.#save();
    return keys;
  }

  get current(): SigningKey {
    return this.#current;
  }

  published(): readonly JWK[] {
    return [...this.#earlier, this.#current].map(({ publicJwk }) => publicJwk);
  }

  /** Signs with a new key from now on; `retire` also withdraws the earlier ones. */
  async rotate(options: { readonly retire?: boolean } = {}): Promise<void> {
    const next = await signingKey(await newPrivateKey());
    this.#earlier = options.retire === true ? [] : [...this.#earlier, this.#current];
    this.#current = next;
    this.#save();
  }

  #save(): void {
    this.#keep([...this.#earlier, this.#current].map(({ privateKey }) => privateKey));
  }
}
