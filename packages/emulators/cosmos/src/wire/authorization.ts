import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { sameSecret } from "@postern/emulator-kit";
import { CosmosError } from "../engine/model/cosmos-error";
import type { CosmosRequest } from "./request";

/** The service refuses requests whose date is further off than this. */
const MAX_SKEW_MS = 15 * 60 * 1000;

export function importKey(key: string): KeyObject {
  return createSecretKey(Buffer.from(key, "base64"));
}

/**
 * Checks the signature of the account key over method, resource and date.
 *
 * @throws CosmosError `Unauthorized` for a wrong signature, `Forbidden` for a date too far off
 */
export function authorize(request: CosmosRequest, key: KeyObject, nowMs: number): void {
  const date = request.header("x-ms-date") ?? request.header("date") ?? "";
  const given = signatureOf(request.header("authorization"));
  const { resourceType, resourceLink } = request;
  // An offer is addressed by its resource id, which is signed in lower case.
  const link = resourceType === "offers" ? resourceLink.toLowerCase() : resourceLink;
  const signed = `${request.method.toLowerCase()}\n${resourceType}\n${link}\n${date.toLowerCase()}\n\n`;
  const expected = createHmac("sha256", key).update(signed).digest();
  if (!sameSecret(given, expected)) {
    throw new CosmosError(
      "Unauthorized",
      "The input authorization token can't serve the request: the account key is wrong, or the request was changed on its way.",
    );
  }
  const dateMs = Date.parse(date);
  if (Number.isNaN(dateMs) || Math.abs(dateMs - nowMs) > MAX_SKEW_MS) {
    throw new CosmosError(
      "Forbidden",
      `The authorization token is not valid at the current time: the request is dated '${date}', the emulator's clock says ${new Date(nowMs).toUTCString()}.`,
    );
  }
}

function signatureOf(authorization: string | undefined): Buffer {
  if (authorization === undefined) {
    throw new CosmosError("Unauthorized", "Required header 'authorization' is missing.");
  }
  let text: string;
  try {
    text = decodeURIComponent(authorization);
  } catch {
    text = "";
  }
  const match = /^type=master&ver=1\.0&sig=(.+)$/.exec(text);
  if (match?.[1] === undefined) {
    throw new CosmosError(
      "Unauthorized",
      "The emulator accepts account keys only: no Entra tokens, no resource tokens.",
    );
  }
  return Buffer.from(match[1], "base64");
}
