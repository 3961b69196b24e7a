/**
 * Redaction policy: payloads hold people's data, so lists and readers see types and lengths; an operator may ask for
 * one payload in full, which is audited.
 */
import {
  type DeadLetter,
  type DeadLetterBatchReply,
  type DeadLetterBatchRequest,
  type DeadLetterResult,
  type DeadLetterView,
  PosternError,
} from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import type { Order } from "./dead-letter";
import { auditPayloadRead } from "./dead-letter-audit";
import type { DeadLetterPorts } from "./dead-letter-ports";
import { discardAsRead, discardDeadLetters } from "./discard";
import { redactPayload } from "./payload-redaction";
import type { Stored } from "../ports/stores";
import { replayDeadLetters } from "./replay/replay";
import type { ReplayResult } from "./replay/replay-result";
import { type Caller, requireRole } from "../http/access-token";
import type { Handlers } from "../http/endpoint";
import { afterOf, continuationOf } from "../http/list-continuation";
import { noSuch, RequestError } from "../http/request-error";

type Operation =
  | "listDeadLetters"
  | "getDeadLetter"
  | "replayDeadLetter"
  | "replayDeadLetters"
  | "discardDeadLetter"
  | "discardDeadLetters";

const PARALLEL_READS = 16;
const DEFAULT_LIMIT = 100;

export function deadLetterHandlers(ports: DeadLetterPorts): Pick<Handlers, Operation> {
  const find = async (id: string, ifMatch?: string): Promise<Stored<DeadLetter>> => {
    const group = (await ports.letters.groupsOf([id])).get(id);
    const stored = group === undefined ? undefined : await ports.letters.read(id, group);
    if (stored === undefined) throw noSuch("dead letter", id);
    if (ifMatch !== undefined && ifMatch !== "*" && ifMatch !== stored.etag) {
      throw new RequestError(
        "precondition-failed",
        "The dead letter has changed since it was read; look at it again.",
      );
    }
    return stored;
  };
  return {
    listDeadLetters: async ({ query: { limit, continuation, ...filter } }) => {
      const list = `deadletters ${JSON.stringify(filter)}`;
      const after = afterOf(list, continuation);
      const page = await ports.letters.list(filter, { limit, after });
      return {
        status: 200,
        body: {
          items: page.items.map((letter) => view(letter, "redacted")),
          continuation: continuationOf(list, page.next),
        },
      };
    },
    getDeadLetter: async ({ params: { id }, query: { payload }, caller, traceId }) => {
      if (payload === "full") requireRole(caller, ["Operator"]);
      const { value, etag } = await find(id);
      if (payload === "full") {
        const read = { subject: value.id, action: "readDeadLetterPayload" };
        await auditPayloadRead(ports, read, { by: actorOf(caller), traceId });
      }
      return { status: 200, body: view(value, payload), headers: { ETag: etag } };
    },
    replayDeadLetter: async ({ params: { id }, headers, body, caller, traceId }) => {
      const stored = await find(id, headers["if-match"]);
      const [outcome] = await replayDeadLetters(ports, [stored], order(caller, body, traceId));
      return { status: 200, body: answerOne(id, outcome, "replay-refused") };
    },
    discardDeadLetter: async ({ params: { id }, headers, body, caller, traceId }) => {
      const ifMatch = headers["if-match"];
      const stored = await find(id, ifMatch);
      const asked = order(caller, body, traceId);
      const [outcome] =
        ifMatch === undefined || ifMatch === "*"
          ? await discardDeadLetters(ports, [stored], asked)
          : [await discardAsRead(ports, stored, asked)];
      return { status: 200, body: answerOne(id, outcome, "conflict") };
    },
    replayDeadLetters: async ({ body, caller, traceId }) => ({
      status: 200,
      body: await actOnMany(ports, body, (letters) =>
        replayDeadLetters(ports, letters, order(caller, body, traceId), body),
      ),
    }),
    discardDeadLetters: async ({ body, caller, traceId }) => ({
      status: 200,
      body: await actOnMany(ports, body, (letters) =>
        discardDeadLetters(ports, letters, order(caller, body, traceId), body),
      ),
    }),
  };
}

function view(letter: DeadLetter, shown: DeadLetterView["payloadShown"]): DeadLetterView {
  const { ttl: _ttl, hash: _hash, actions, replay, payload, ...rest } = letter;
  return {
    ...rest,
    payload: shown === "full" ? payload : redactPayload(payload),
    payloadShown: shown,
    actions: actions ?? [],
    replay: replay ?? null,
  };
}

function actorOf({ oid, azp, name }: Caller): Order["by"] {
  return { oid, azp, name };
}

function order(caller: Caller, { reason }: { readonly reason: string }, traceId: string): Order {
  return { by: actorOf(caller), reason, traceId };
}

function answerOne(
  id: string,
  outcome: ReplayResult | undefined,
  refusedAs: "replay-refused" | "conflict",
): DeadLetterResult {
  if (outcome === undefined || outcome.outcome === "not-found") throw noSuch("dead letter", id);
  const { problems, ...answer } = outcome;
  const detail = answer.detail ?? "This is not possible in its current state.";
  if (answer.outcome === "refused") {
    throw new RequestError(refusedAs, detail, problems === undefined ? {} : { problems });
  }
  if (answer.outcome === "failed") throw new PosternError("dependency-unavailable", detail);
  return answer;
}

async function actOnMany(
  ports: DeadLetterPorts,
  request: DeadLetterBatchRequest,
  act: (letters: readonly Stored<DeadLetter>[]) => Promise<readonly ReplayResult[]>,
): Promise<DeadLetterBatchReply> {
  const { letters, missing, next } = await select(ports, request);
  const outcomes = await act(letters);
  const results = outcomes.map(({ problems: _problems, ...one }): DeadLetterResult => one);
  return { dryRun: request.dryRun, results: [...results, ...missing], more: next !== null, next };
}

interface Selection {
  readonly letters: readonly Stored<DeadLetter>[];
  readonly missing: readonly DeadLetterResult[];
  readonly next: string | null;
}

async function select(ports: DeadLetterPorts, request: DeadLetterBatchRequest): Promise<Selection> {
  const { ids, filter, limit, after } = request;
  const places = new Map<string, string>();
  let next: string | null = null;
  if (ids === undefined) {
    const { state: _state, ...query } = filter ?? { state: "open" };
    const now = new Date(ports.clock.now()).toISOString();
    const options = { limit: limit ?? DEFAULT_LIMIT, after, now };
    const page = await ports.letters.replayable(query, options);
    for (const { id, group } of page.items) places.set(id, group);
    next = page.next;
  } else {
    for (const [id, group] of await ports.letters.groupsOf([...new Set(ids)]))
      places.set(id, group);
  }
  const read = await inParallel([...places], PARALLEL_READS, ([id, group]) =>
    ports.letters.read(id, group),
  );
  const letters = read.filter((letter) => letter !== undefined);
  const found = new Set(letters.map(({ value }) => value.id));
  const missing = [...new Set(ids ?? [])]
    .filter((id) => !found.has(id))
    .map((id): DeadLetterResult => ({
      id,
      outcome: "not-found",
      messageId: null,
      scheduledAt: null,
      detail: `There is no dead letter '${id}'.`,
    }));
  return { letters, missing, next };
}
