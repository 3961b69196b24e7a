import { type DeadLetter, type DeadLetterResult, PosternError } from "@postern/contracts";
import { isDeepStrictEqual } from "node:util";
import { inParallel } from "@postern/runtime";
import { type Order, withDiscard } from "./dead-letter";
import { auditLastActions, auditRefusal } from "./dead-letter-audit";
import type { DeadLetterPorts } from "./dead-letter-ports";
import type { Stored } from "../ports/stores";
import { lastStepText, resultOf } from "./dead-letter-result";

type Ports = Pick<DeadLetterPorts, "letters" | "audit" | "clock" | "random" | "logger">;

const PARALLEL = 16;
const MAX_TRIES = 3;

/**
 * Closes dead letters for good. Their items keep the outcome `dead-lettered` in their cycles: discarding means that no
 * more will be done about the failure, not that it did not happen.
 */
export async function discardDeadLetters(
  ports: Ports,
  letters: readonly Stored<DeadLetter>[],
  order: Order,
  options: { readonly dryRun?: boolean } = {},
): Promise<DeadLetterResult[]> {
  return inParallel(letters, PARALLEL, (stored) =>
    options.dryRun === true
      ? Promise.resolve(forecast(stored.value))
      : discardOne(ports, stored, order),
  );
}

function forecast(letter: DeadLetter): DeadLetterResult {
  return resultOf(letter, outcomeNow(letter) ?? "discarded");
}

/** Undefined when it can be discarded. */
function outcomeNow(letter: DeadLetter): DeadLetterResult["outcome"] | undefined {
  switch (letter.state) {
    case "open":
      return undefined;
    case "discarded":
      return "already-discarded";
    case "replayed":
      return "refused";
  }
}

async function discardOne(
  ports: Ports,
  first: Stored<DeadLetter>,
  order: Order,
): Promise<DeadLetterResult> {
  let stored: Stored<DeadLetter> | undefined = first;
  for (let tries = 0; tries < MAX_TRIES && stored !== undefined; tries += 1) {
    const letter = stored.value;
    const discarded = withDiscard(letter, order, ports.clock.now());
    if (discarded === undefined) return notDiscarded(ports, letter, order);
    const written = await ports.letters.replace(discarded, stored.etag);
    if (written !== undefined) return auditedResult(ports, written.value, "discarded");
    stored = await ports.letters.read(letter.id, letter.group);
  }
  if (stored === undefined) return resultOf(first.value, "not-found");
  return resultOf(first.value, "failed", "other requests keep changing it; try again");
}

/**
 * Closes one only as it was read.
 *
 * @throws PosternError `precondition-failed` when it has changed since
 */
export async function discardAsRead(
  ports: Ports,
  { value: letter, etag }: Stored<DeadLetter>,
  order: Order,
): Promise<DeadLetterResult> {
  const discarded = withDiscard(letter, order, ports.clock.now());
  if (discarded === undefined) return notDiscarded(ports, letter, order);
  const written =
    (await ports.letters.replace(discarded, etag)) ?? (await ownDiscard(ports, discarded));
  if (written !== undefined) return auditedResult(ports, written.value, "discarded");
  throw new PosternError(
    "precondition-failed",
    "The dead letter has changed since it was read; look at it again.",
  );
}

/** If a write's response is lost, the SDK retries it and conflicts with its own first attempt. */
async function ownDiscard(
  ports: Ports,
  discarded: DeadLetter,
): Promise<Stored<DeadLetter> | undefined> {
  const now = await ports.letters.read(discarded.id, discarded.group);
  const own = isDeepStrictEqual(now?.value.actions?.at(-1), discarded.actions?.at(-1));
  return own ? now : undefined;
}

async function notDiscarded(
  ports: Ports,
  letter: DeadLetter,
  order: Order,
): Promise<DeadLetterResult> {
  // Again, in case the request that discarded it could not write the audit entry: the same step makes the same entry.
  if (letter.state === "discarded") return auditedResult(ports, letter, "already-discarded");
  const detail = `it was replayed${lastStepText(letter)}; it opens again if it fails again`;
  await auditRefusal(ports, letter.id, "discardDeadLetter", order, detail);
  return resultOf(letter, "refused", detail);
}

async function auditedResult(
  ports: Ports,
  letter: DeadLetter,
  outcome: DeadLetterResult["outcome"],
): Promise<DeadLetterResult> {
  try {
    await auditLastActions(ports, letter);
  } catch (error) {
    ports.logger.error("discard.audit-failed", { id: letter.id, error: String(error) });
    return resultOf(
      letter,
      "failed",
      "it is discarded, but the audit trail did not take the entry; try again",
    );
  }
  return resultOf(letter, outcome);
}
