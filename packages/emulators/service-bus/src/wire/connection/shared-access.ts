import { sameSecret } from "@postern/emulator-kit";
import { createHmac } from "node:crypto";
import { BrokerError } from "../../engine/model/broker-error";
import type { Clock } from "../../engine/model/clock";

export const KEY_NAME = "RootManageSharedAccessKey";
export const SAS_TOKEN_TYPE = "servicebus.windows.net:sastoken";

/** Entity path of an audience such as `sb://localhost:5672/queue`, without slashes at the ends; "" is the namespace. */
export function entityOfAudience(audience: string): string {
  return audience
    .replace(/^[a-z]+:\/\/[^/]*/i, "")
    .replace(/^\/+|\/+$/g, "")
    .toLowerCase();
}

/** Checks shared access signatures against the one key of the namespace. */
export class SharedAccess {
  readonly #key: string;
  readonly #clock: Clock;

  constructor(key: string, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  /**
   * Returns the entity path that the token opens.
   *
   * @throws BrokerError `unauthorized` if the token is malformed, wrongly signed or expired
   */
  verify(token: string): string {
    const match = /^SharedAccessSignature (.*)$/.exec(token);
    const fields = new Map((match?.[1] ?? "").split("&").map((field) => splitAtFirst(field, "=")));
    const resource = fields.get("sr");
    const signature = fields.get("sig");
    const expiry = fields.get("se");
    const keyName = fields.get("skn");
    if (
      resource === undefined ||
      signature === undefined ||
      expiry === undefined ||
      keyName === undefined
    ) {
      throw new BrokerError(
        "unauthorized",
        "MalformedToken: the token is not a shared access signature.",
      );
    }
    const expected = createHmac("sha256", this.#key).update(`${resource}\n${expiry}`).digest();
    const given = Buffer.from(decode(signature), "base64");
    if (decode(keyName) !== KEY_NAME || !sameSecret(given, expected)) {
      throw new BrokerError(
        "unauthorized",
        "InvalidSignature: The token has an invalid signature.",
      );
    }
    if (!(Number(expiry) * 1000 > this.#clock.now())) {
      throw new BrokerError("unauthorized", "ExpiredToken: The token is expired.");
    }
    return entityOfAudience(decode(resource));
  }
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BrokerError("unauthorized", "MalformedToken: the token is not properly encoded.");
  }
}
