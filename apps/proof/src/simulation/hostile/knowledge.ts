/**
 * What a hostile agent knows: the work that it received, with its codes; and, since ids and contents can be guessed,
 * all other work of the branch without them.
 */
import type { WorkMessage, WorkMessageResult } from "@postern/contracts";
import type { WorkKey } from "@postern/cloud";
import type { History } from "../check/history";
import type { SeededRandom } from "../../kit/seeded-random";
import type { QueuedMessage } from "../services/fake-queue";
import type { Before } from "./before";

/** A message as it was received under lock. */
export interface Taken {
  readonly message: QueuedMessage;
  readonly work: WorkMessage;
}

export class Knowledge {
  readonly before: Before;
  readonly taken: Taken[] = [];
  /** Ids that the messages are reported under. */
  readonly takenIds = new Set<string>();
  /** True results that it sent, or could have sent. */
  readonly proven: WorkMessageResult[] = [];
  /** Keys that leaked, the ancient one first. */
  readonly leaked: WorkKey[];
  readonly #own: History;
  readonly #others: History;

  constructor(before: Before, ancient: WorkKey, own: History, others: History) {
    this.before = before;
    this.leaked = [ancient];
    this.#own = own;
    this.#others = others;
  }

  take(message: QueuedMessage): Taken {
    const taken = { message, work: message.body as WorkMessage };
    this.taken.push(taken);
    this.takenIds.add(taken.work.messageId);
    return taken;
  }

  someTaken(random: SeededRandom): Taken | undefined {
    return this.taken.length === 0 ? undefined : random.pick(this.taken);
  }

  /** Work that it never held: of the other group, or of its own in the hands of an honest agent. */
  guess(random: SeededRandom): WorkMessage | undefined {
    const history = random.chance(0.75) ? this.#others : this.#own;
    const known = [...history.work.values()].filter(
      ({ message }) => !this.takenIds.has(message.messageId),
    );
    // Mostly of late: what is still on its way can be reported before its holder does.
    const recent = random.chance(0.7) ? known.slice(-6) : known;
    return recent.length === 0 ? undefined : random.pick(recent).message;
  }
}
