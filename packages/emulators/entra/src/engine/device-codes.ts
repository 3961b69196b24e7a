/**
 * Pending logins of the device-code flow (RFC 8628), in memory.
 *
 *   begin → pending ──a person approves──▶ approved ──the program asks──▶ gone
 *                   └─a person declines──▶ declined
 *
 * A device code belongs to the program, a user code to the person; neither leads to the other. Both are valid until
 * they expire.
 */
import { randomBytes, randomInt } from "node:crypto";

/** Letters of user codes: none that spell a word or look like a digit. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS = 9;
const DEVICE_CODE_BYTES = 48;
/** Bounds the logins that are never finished; the oldest goes first. */
const MAX_UNDER_WAY = 1_000;

interface Login {
  readonly clientId: string;
  readonly scope: string;
  readonly userCode: string;
  readonly expiresAtMs: number;
  answer:
    | { readonly kind: "approved"; readonly username: string }
    | { readonly kind: "declined" }
    | undefined;
}

export type DeviceCodeState =
  | { readonly kind: "unknown" | "expired" | "pending" | "declined" }
  | { readonly kind: "approved"; readonly username: string; readonly scope: string };

export class DeviceCodes {
  readonly #now: () => number;
  readonly #lifetimeMs: number;
  readonly #logins = new Map<string, Login>();

  constructor(options: { readonly lifetimeSeconds: number; readonly now?: () => number }) {
    this.#now = options.now ?? Date.now;
    this.#lifetimeMs = options.lifetimeSeconds * 1_000;
  }

  begin(clientId: string, scope: string): { deviceCode: string; userCode: string } {
    const [oldest] = this.#logins.keys();
    if (this.#logins.size >= MAX_UNDER_WAY && oldest !== undefined) this.#logins.delete(oldest);
    const deviceCode = randomBytes(DEVICE_CODE_BYTES).toString("base64url");
    const userCode = Array.from(
      { length: USER_CODE_LETTERS },
      () => LETTERS[randomInt(LETTERS.length)],
    ).join("");
    const expiresAtMs = this.#now() + this.#lifetimeMs;
    this.#logins.set(deviceCode, { clientId, scope, userCode, expiresAtMs, answer: undefined });
    return { deviceCode, userCode };
  }

  /** The client whose login waits for this user code; undefined if none does. */
  waiting(userCode: string): { readonly clientId: string } | undefined {
    const login = this.#waiting(userCode);
    return login === undefined ? undefined : { clientId: login.clientId };
  }

  /** Records the person's answer. Returns false if no login waits for the code: it is wrong, used, or too old. */
  answer(userCode: string, answer: NonNullable<Login["answer"]>): boolean {
    const login = this.#waiting(userCode);
    if (login === undefined) return false;
    login.answer = answer;
    return true;
  }

  #waiting(userCode: string): Login | undefined {
    const asked = userCode.replace(/[\s-]/g, "").toUpperCase();
    for (const login of this.#logins.values()) {
      if (login.userCode === asked && login.answer === undefined && login.expiresAtMs > this.#now())
        return login;
    }
    return undefined;
  }

  /** The state of a login, for the program that polls with its device code. An approval is returned once. */
  take(deviceCode: string, clientId: string): DeviceCodeState {
    const login = this.#logins.get(deviceCode);
    if (login?.clientId !== clientId) return { kind: "unknown" };
    if (login.expiresAtMs <= this.#now()) return { kind: "expired" };
    if (login.answer === undefined) return { kind: "pending" };
    this.#logins.delete(deviceCode);
    const { answer, scope } = login;
    return answer.kind === "declined" ? answer : { ...answer, scope };
  }
}
