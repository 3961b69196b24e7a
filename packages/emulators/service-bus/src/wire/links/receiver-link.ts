/**
 * A link on which a client receives messages from a queue, or from one session of it.
 *
 * States: waiting (for any session, none free yet; the attach is not replied to), open, ended. The engine delivers
 * messages as credit allows; outcomes that the client sends become settlements. Locks of a plain queue outlive the
 * link; a session is released when its link ends.
 */
import { BrokerError } from "../../engine/model/broker-error";
import type { Consumer, Grant } from "../../engine/model/consumer";
import type { Queue } from "../../engine/queue/queue";
import type { Settlement } from "../../engine/model/queue-options";
import type { QueueMessage } from "../../engine/model/queue-message";
import type { Session, SessionHolder, SessionWaiter } from "../../engine/locks/session";
import type { ClientConnection, OpenLink } from "../connection/client-connection";
import { refusalOf } from "../connection/conditions";
import { underFaults } from "../connection/faults";
import { refuseLink } from "./attach-reply";
import { tagOfToken, tokenOfTag } from "../messages/delivery-tag";
import { writeMessage } from "../messages/message-content";
import { settlementOf } from "./outcome";
import {
  ACCEPTED,
  amqpTypes,
  rejected,
  settleSent,
  type RheaDelivery,
  type RheaSender,
  type RheaSession,
} from "../rhea/rhea";

const SESSION_FILTER = "com.microsoft:session-filter";
const LOCKED_UNTIL_PROPERTY = "com.microsoft:locked-until-utc";
const TIMEOUT_PROPERTY = "com.microsoft:timeout";
const DEFAULT_SESSION_TIMEOUT_MS = 60_000;
const SENDER_SETTLES = 1;
const TICKS_AT_UNIX_EPOCH = 621_355_968_000_000_000n;
const TICKS_PER_MS = 10_000n;

/**
 * The session that a client asks for: an id, null for any; undefined: the link does not ask for one.
 *
 * @throws BrokerError `invalid-argument` if the filter is neither a string nor null
 */
export function sessionFilterOf(link: RheaSender): string | null | undefined {
  const filter = link.source?.filter;
  if (filter === null || filter === undefined || !(SESSION_FILTER in filter)) return undefined;
  const value = filter[SESSION_FILTER];
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  // Described values (other SDKs) carry the id inside.
  if (typeof value === "object" && "value" in value)
    return typeof value.value === "string" ? value.value : null;
  throw new BrokerError("invalid-argument", "The session filter must be a string or null.");
}

export class ReceiverLink implements OpenLink, Consumer, SessionHolder, SessionWaiter {
  readonly session: RheaSession;
  readonly owner: ClientConnection;
  readonly locks: boolean;
  readonly #link: RheaSender;
  readonly #queue: Queue;
  #held: Session | undefined;
  /** Waiting for a session: the attach is not replied to yet. */
  #waiting = false;
  #stopTimeout = (): void => {};
  #ended = false;
  /** Deliveries handed to rhea. rhea counts them only when they leave, so its own credit is not up to date. */
  #sent = 0;
  /** Deliveries that a fault delays. */
  #delayed = 0;

  constructor(connection: ClientConnection, link: RheaSender, queue: Queue) {
    this.session = link.session;
    this.owner = connection;
    this.locks = link.snd_settle_mode !== SENDER_SETTLES;
    this.#link = link;
    this.#queue = queue;
  }

  get holder(): SessionHolder {
    return this;
  }

  start(): void {
    const filter = sessionFilterOf(this.#link);
    this.#listen();
    this.owner.addLink(this);
    if (filter === undefined) {
      this.#link.open();
    } else if (filter === null) {
      this.#waitForSession();
    } else {
      try {
        this.granted(this.#queue.acceptSession(filter, this));
      } catch (error) {
        this.ended();
        throw error;
      }
    }
  }

  credit(): number {
    const allowed = this.#link.delivery_count + this.#link.credit - this.#sent - this.#delayed;
    return Math.min(allowed, this.session.outgoing.available() - this.#delayed);
  }

  deliver(message: QueueMessage, grant: Grant | undefined): void {
    const bytes = writeMessage(message, grant?.lockedUntilMs);
    const { faults } = this.owner.services;
    this.#delayed += 1;
    underFaults(faults, this.owner, "deliver", this.#queue.name, {
      run: (replies) => {
        this.#delayed -= 1;
        // After a delay the link may be gone or drained: the message then stays locked, as if lost in transit.
        if (this.#ended || this.credit() <= 0) return;
        this.#send(bytes, grant);
        if (!replies) setImmediate(() => this.owner.drop());
      },
      refuse: (error) => {
        this.#delayed -= 1;
        if (grant !== undefined) this.#queue.settle(grant.token, { kind: "release" });
        this.#link.close(refusalOf(error));
        this.ended();
      },
    });
  }

  granted(session: Session): void {
    this.#held = session;
    this.#waiting = false;
    this.#stopTimeout();
    const address = this.#link.source?.address ?? this.#queue.name;
    this.#link.set_source({ address, filter: { [SESSION_FILTER]: session.id } });
    const ticks = Buffer.alloc(8);
    ticks.writeBigInt64BE(BigInt(session.lockedUntilMs) * TICKS_PER_MS + TICKS_AT_UNIX_EPOCH);
    this.#link.local.attach.properties = { [LOCKED_UNTIL_PROPERTY]: amqpTypes.wrap_long(ticks) };
    this.#link.open();
  }

  lost(): void {
    this.#link.close(
      refusalOf(
        new BrokerError(
          "session-lock-lost",
          "The session lock has expired on the session. Request a new session receiver.",
        ),
      ),
    );
    this.ended();
  }

  ended(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopTimeout();
    this.owner.removeLink(this);
    this.#queue.stopWaiting(this);
    this.#queue.removeConsumer(this, this.#held);
    if (this.#held !== undefined) this.#queue.releaseSession(this.#held, this);
  }

  #listen(): void {
    const link = this.#link;
    link.on("sender_close", () => this.#detached());
    link.on("sender_flow", () => this.#feed());
    link.on("sendable", () => this.#feed());
    link.on("sender_draining", () => this.#drain());
    for (const outcome of ["accepted", "released", "rejected", "modified"] as const) {
      link.on(outcome, ({ delivery }) => {
        if (delivery !== undefined)
          this.#settled(delivery, settlementOf(outcome, delivery.remote_state));
      });
    }
    // Settled by the client without an outcome: only its place in rhea's buffer must be freed.
    link.on("settled", ({ delivery }) => {
      if (delivery !== undefined && delivery.remote_state === undefined)
        settleSent(delivery, ACCEPTED);
    });
  }

  #feed(): void {
    if (!this.#ended) this.#queue.feed(this, this.#held);
  }

  /** Returns all unused credit, after what the engine is about to deliver. */
  #drain(): void {
    this.owner.services.store.after(() => {
      if (this.#ended) return;
      this.#sent = this.#link.delivery_count + this.#link.credit;
      this.#link.set_drained(true);
      this.owner.flush();
    });
  }

  #detached(): void {
    this.ended();
    // A detach must be replied to even if the attach was not.
    if (this.#waiting) {
      this.#link.open();
      this.#link.close();
    }
  }

  #send(bytes: Buffer, grant: Grant | undefined): void {
    this.#sent += 1;
    this.owner.services.statistics.messagesReceived += 1;
    this.#link.send(bytes, grant === undefined ? undefined : tagOfToken(grant.token), 0);
  }

  #settled(delivery: RheaDelivery, settlement: Settlement): void {
    const { faults, statistics, store } = this.owner.services;
    underFaults(faults, this.owner, "settle", this.#queue.name, {
      run: (replies) => {
        let state = ACCEPTED;
        try {
          this.#queue.settle(tokenOfTag(delivery.tag), settlement);
          statistics.settlements += 1;
        } catch (error) {
          state = rejected(refusalOf(error));
        }
        store.after(() => {
          if (replies) settleSent(delivery, state);
          else this.owner.drop();
        });
      },
      refuse: (error) => settleSent(delivery, rejected(refusalOf(error))),
    });
  }

  #waitForSession(): void {
    const asked = this.#link.properties?.[TIMEOUT_PROPERTY];
    const timeoutMs = typeof asked === "number" ? asked : DEFAULT_SESSION_TIMEOUT_MS;
    this.#stopTimeout = this.owner.later(timeoutMs, () => {
      if (!this.#waiting || this.#ended) return;
      this.#waiting = false;
      this.ended();
      refuseLink(
        this.#link,
        new BrokerError(
          "timeout",
          "The operation did not complete within the allotted timeout: no session with messages became free.",
        ),
      );
    });
    this.#waiting = true;
    this.#queue.acceptNextSession(this);
  }
}
