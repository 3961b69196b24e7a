/** What a request did to one dead letter, as callers see it. */
import type { DeadLetter, DeadLetterResult } from "@postern/contracts";

export function resultOf(
  letter: DeadLetter,
  outcome: DeadLetterResult["outcome"],
  detail: string | null = null,
): DeadLetterResult {
  const { replay } = letter;
  const sent = replay !== undefined && !replay.superseded && letter.state === "replayed";
  return {
    id: letter.id,
    outcome,
    messageId: sent ? replay.messageId : null,
    scheduledAt: sent ? replay.scheduledAt : null,
    detail,
  };
}

/** ` by NAME at TIME: REASON` */
export function lastStepText({ actions }: DeadLetter): string {
  const step = actions?.at(-1);
  if (step === undefined) return "";
  const who = step.by === null ? "" : ` by ${step.by.name}`;
  return `${who} at ${step.at}: ${step.reason}`;
}
