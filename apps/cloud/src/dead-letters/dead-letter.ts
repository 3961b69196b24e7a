/**
 * The life of a dead letter, as pure steps: every change takes the letter and returns the one to store, with the step
 * in its history.
 *
 * A replay is stored before its message is sent (who, why, which message id), and noted as sent afterwards. Between the
 * two it is claimed; an expired claim means that its process ended, and the next request sends the same message again.
 */
import { timestamp } from "@postern/runtime";
import {
  type Actor,
  clip,
  type DeadLetter,
  type DeadLetterAction,
  deadLetterActionsListed,
  deadLetterModel,
  type DeadLetterReplay,
  historyTtlSeconds,
  limits,
  nextState,
} from "@postern/contracts";

export interface Order {
  readonly by: Actor;
  readonly reason: string;
  readonly traceId: string;
}

/** Longer than a request of 1,000 dead letters takes. */
export const replayClaimMs = 60_000;

export type ReplayChance =
  | { readonly kind: "new" }
  /** Begun, and not known to be sent, or (where something newer is on its way) to be counted. */
  | { readonly kind: "resend"; readonly replay: DeadLetterReplay }
  | { readonly kind: "done"; readonly replay: DeadLetterReplay }
  | { readonly kind: "discarded" };

export function replayChance(letter: DeadLetter, nowMs: number): ReplayChance {
  const { state, replay } = letter;
  switch (state) {
    case "open":
      return { kind: "new" };
    case "discarded":
      return { kind: "discarded" };
    case "replayed": {
      if (replay === undefined) return { kind: "new" };
      const expired = replay.sentAt === null && Date.parse(replay.claimedUntil) <= nowMs;
      return { kind: expired ? "resend" : "done", replay };
    }
  }
}

export interface ReplayPlan {
  readonly messageId: DeadLetterReplay["messageId"];
  readonly number: number;
  readonly superseded: boolean;
  readonly scheduledAtMs: number | undefined;
  readonly nowMs: number;
}

export function withReplay(letter: DeadLetter, plan: ReplayPlan, order: Order): DeadLetter {
  const at = timestamp(plan.nowMs);
  const to = letter.state === "open" ? nextState(deadLetterModel, "open", "replay") : letter.state;
  const action = plan.superseded ? "supersede" : letter.state === "open" ? "replay" : "resend";
  return {
    ...withAction(letter, to ?? letter.state, {
      at,
      action,
      by: order.by,
      reason: order.reason,
      traceId: order.traceId,
      messageId: plan.superseded ? null : plan.messageId,
    }),
    replay: {
      number: plan.number,
      messageId: plan.messageId,
      at,
      superseded: plan.superseded,
      scheduledAt: plan.scheduledAtMs === undefined ? null : timestamp(plan.scheduledAtMs),
      sentAt: null,
      claimedUntil: timestamp(plan.nowMs + replayClaimMs),
    },
    ttl: historyTtlSeconds,
  };
}

export function withReplaySent(letter: DeadLetter, nowMs: number): DeadLetter {
  if (letter.replay === undefined) return letter;
  return { ...letter, replay: { ...letter.replay, sentAt: timestamp(nowMs) } };
}

/** Sending has failed, or its outcome is not known: the next request need not wait for the claim to expire. */
export function withClaimGivenUp(letter: DeadLetter, nowMs: number): DeadLetter {
  if (letter.replay === undefined) return letter;
  return { ...letter, replay: { ...letter.replay, claimedUntil: timestamp(nowMs) } };
}

/** Requests that arrive meanwhile see that it is being dealt with. */
export function withClaimExtended(letter: DeadLetter, nowMs: number): DeadLetter {
  if (letter.replay === undefined) return letter;
  return {
    ...letter,
    replay: { ...letter.replay, claimedUntil: timestamp(nowMs + replayClaimMs) },
  };
}

/** Undefined when its state does not allow it. */
export function withDiscard(
  letter: DeadLetter,
  order: Order,
  nowMs: number,
): DeadLetter | undefined {
  const to = nextState(deadLetterModel, letter.state, "discard");
  if (to === undefined) return undefined;
  return {
    ...withAction(letter, to, {
      at: timestamp(nowMs),
      action: "discard",
      by: order.by,
      reason: order.reason,
      traceId: order.traceId,
      messageId: null,
    }),
    ttl: historyTtlSeconds,
  };
}

/** The replay has failed: the letter is open again, with the newer reason and all attempts. */
export function withFailureAgain(
  letter: DeadLetter,
  failed: DeadLetter,
  nowMs: number,
): DeadLetter | undefined {
  const to = nextState(deadLetterModel, letter.state, "fail-again");
  if (to === undefined) return undefined;
  const { ttl: _ttl, ...kept } = withAction(letter, to, {
    at: timestamp(nowMs),
    action: "fail-again",
    by: null,
    reason: clip(failed.reason, limits.failureChars),
    traceId: failed.traceparent?.split("-")[1] ?? null,
    messageId: failed.messageId?.slice(0, limits.messageIdChars) ?? null,
  });
  return {
    ...kept,
    source: failed.source,
    by: failed.by,
    code: failed.code,
    reason: failed.reason,
    outcome: failed.outcome ?? "dead-lettered",
    traceparent: failed.traceparent ?? letter.traceparent,
    attempts: [...letter.attempts, ...failed.attempts].slice(-limits.attemptsListed),
    deliveryCount: failed.deliveryCount,
  };
}

function withAction(
  letter: DeadLetter,
  to: DeadLetter["state"],
  step: Omit<DeadLetterAction, "from" | "to">,
): DeadLetter {
  const before = letter.actions ?? [];
  const last = before.at(-1);
  // Sending again what one person asked for is one step, however often it takes: the others must not be crowded out.
  // Who asks chooses the trace id: it alone does not say that it is the same person.
  const again =
    step.action === "resend" &&
    last?.action === "resend" &&
    last.traceId === step.traceId &&
    last.by?.oid === step.by?.oid &&
    last.by?.azp === step.by?.azp;
  const actions = again ? before : [...before, { ...step, from: letter.state, to }];
  return { ...letter, state: to, actions: actions.slice(-deadLetterActionsListed) };
}
