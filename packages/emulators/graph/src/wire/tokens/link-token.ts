/**
 * The tokens in nextLink and deltaLink. They carry the whole state of a round, signed, so that the server keeps no
 * state of its clients and a link stays valid over a restart. They are opaque to clients.
 */
import { createHmac } from "node:crypto";
import { sameSecret } from "@postern/emulator-kit";
import { z } from "zod";
import { DeltaState } from "../../engine/delta-state";
import { malformed } from "../errors/graph-error";

const Count = z.int().min(0);

/** Where a list continues. */
export const ListState = z.strictObject({ after: Count, path: z.string() });
export type ListState = z.infer<typeof ListState>;

const Sealed = z.discriminatedUnion("use", [
  z.strictObject({ use: z.literal("skip"), state: DeltaState }),
  z.strictObject({ use: z.literal("delta"), state: DeltaState }),
  z.strictObject({ use: z.literal("list"), state: ListState }),
]);
type Sealed = z.infer<typeof Sealed>;

const SIGNATURE_BYTES = 16;

function badlyFormed(option: string): Error {
  return malformed(
    `Badly formed token. The value of ${option} is not one that this service has issued for this request.`,
  );
}

export class LinkTokens {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(token: Sealed): string {
    const payload = Buffer.from(JSON.stringify(token));
    return Buffer.concat([this.#sign(payload), payload]).toString("base64url");
  }

  /**
   * The round of a delta token.
   *
   * @throws GraphError 400 if the token is anything else
   */
  openRound(use: "skip" | "delta", token: string): DeltaState {
    const sealed = this.#unseal(token);
    if (sealed?.use === use) return sealed.state;
    throw badlyFormed(use === "delta" ? "$deltatoken" : "$skiptoken");
  }

  /**
   * The place in a list.
   *
   * @throws GraphError 400 if the token is anything else, or belongs to another list
   */
  openList(path: string, token: string): ListState {
    const sealed = this.#unseal(token);
    if (sealed?.use === "list" && sealed.state.path === path) return sealed.state;
    throw badlyFormed("$skiptoken");
  }

  #unseal(token: string): Sealed | undefined {
    const bytes = Buffer.from(token, "base64url");
    const payload = bytes.subarray(SIGNATURE_BYTES);
    const signature = bytes.subarray(0, SIGNATURE_BYTES);
    if (!sameSecret(signature, this.#sign(payload))) return undefined;
    // An earlier version of the emulator may have signed a token of another form.
    return Sealed.safeParse(JSON.parse(payload.toString("utf8"))).data;
  }

  #sign(payload: Buffer): Buffer {
    return createHmac("sha256", this.#key).update(payload).digest().subarray(0, SIGNATURE_BYTES);
  }
}
