/**
 * One client connection: what it may do (claims), which links it has, and its end.
 *
 * States: opened by the listener, open, gone. It is gone when the socket has closed, for whatever reason; every link is
 * then ended once. rhea emits no event for a close that we start ourselves or for a destroyed socket, so the socket's
 * own `close` is what counts.
 */
import type { FaultPlan } from "@postern/emulator-kit";
import type { Socket } from "node:net";
import type { Broker } from "../../engine/broker";
import { BrokerError } from "../../engine/model/broker-error";
import type { Clock } from "../../engine/model/clock";
import type { Store } from "../../engine/model/store";
import { refusalOf } from "./conditions";
import { underFaults } from "./faults";
import type { RheaConnection, RheaContext, RheaSession } from "../rhea/rhea";
import { adaptConnection } from "../rhea/rhea-adaptations";
import type { SharedAccess } from "./shared-access";
import type { Statistics } from "./statistics";

export interface ConnectionServices {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly store: Store;
  readonly sharedAccess: SharedAccess;
  readonly faults: FaultPlan;
  readonly statistics: Statistics;
}

/** A link of this connection; `ended` is called when it has ended. */
export interface OpenLink {
  readonly session: RheaSession;
  ended(): void;
}

/** A link that takes the replies to requests. */
export interface ReplyTarget {
  readonly session: RheaSession;
  answersTo(replyTo: string): boolean;
  send(message: object): void;
}

/** What the connection calls when something happens on it. */
interface ConnectionEvents {
  /** The client attaches a link. */
  attach(connection: ClientConnection, context: RheaContext): void;
  /** The socket has closed. */
  gone(connection: ClientConnection): void;
}

const FORCED = {
  condition: "amqp:connection:forced",
  description: "The emulator is shutting down.",
};
// Time for the close frame to leave before the socket is destroyed.
const CLOSE_GRACE_MS = 20;

export class ClientConnection {
  readonly services: ConnectionServices;
  readonly #socket: Socket;
  readonly #rhea: RheaConnection;
  readonly #links = new Set<OpenLink>();
  readonly #replyLinks = new Set<ReplyTarget>();
  readonly #claims = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #gone = false;

  constructor(socket: Socket, services: ConnectionServices, events: ConnectionEvents) {
    this.services = services;
    this.#socket = socket;
    this.#rhea = adaptConnection(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#end();
      events.gone(this);
    });
    this.#listen(events);
    underFaults(services.faults, this, "connect", "", {
      run: (replies) => this.#accept(replies ? () => {} : () => this.drop()),
      refuse: (error) => this.#accept(() => this.#rhea.close(refusalOf(error))),
    });
  }

  /** Opens an entity path ("" for the whole namespace) to this connection. */
  grant(entity: string): void {
    this.#claims.add(entity);
  }

  /** @throws BrokerError `unauthorized` unless a claim on this connection opens the entity */
  checkClaim(entity: string): void {
    const path = entity.toLowerCase();
    for (const claim of this.#claims) {
      if (
        claim === "" ||
        claim === path ||
        path.startsWith(`${claim}/`) ||
        claim === `${path}/$management`
      )
        return;
    }
    throw new BrokerError(
      "unauthorized",
      `Unauthorized access. No claim for '${entity}' was put on this connection.`,
    );
  }

  addLink(link: OpenLink): void {
    this.#links.add(link);
  }

  removeLink(link: OpenLink): void {
    this.#links.delete(link);
  }

  addReplyLink(link: ReplyTarget): void {
    this.#replyLinks.add(link);
  }

  removeReplyLink(link: ReplyTarget): void {
    this.#replyLinks.delete(link);
  }

  /** The link that takes the replies to a request: named in the request, else the one on the same AMQP session. */
  findReplyLink(replyTo: string | undefined, session: RheaSession): ReplyTarget | undefined {
    let onSession: ReplyTarget | undefined;
    for (const link of this.#replyLinks) {
      if (replyTo !== undefined && link.answersTo(replyTo)) return link;
      if (link.session === session) onSession = link;
    }
    return onSession;
  }

  /** Makes rhea write what it has queued. */
  flush(): void {
    this.#rhea._register();
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** Calls back later, unless the connection has gone by then. Returns what cancels it. */
  later(delayMs: number, action: () => void): () => void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      clearTimeout(timer);
    };
  }

  /** Closes with the condition that makes clients reconnect; they do so for no other, only when the socket drops. */
  close(): void {
    if (this.#gone) return;
    if (this.#rhea.is_open()) this.#rhea.close(FORCED);
    setTimeout(() => this.drop(), CLOSE_GRACE_MS);
  }

  #listen(events: ConnectionEvents): void {
    const ignore = (): void => {};
    // Errors need a listener, or rhea throws them; the socket's close does the rest.
    for (const event of [
      "error",
      "protocol_error",
      "connection_error",
      "session_error",
      "disconnected",
    ]) {
      this.#rhea.on(event, ignore);
    }
    for (const event of [
      "sender_error",
      "receiver_error",
      "sender_close",
      "receiver_close",
      "message",
    ]) {
      this.#rhea.on(event, ignore);
    }
    this.#rhea.on("connection_close", () => this.#endLinks(() => true));
    this.#rhea.on("session_close", ({ session }) =>
      this.#endLinks((link) => link.session === session),
    );
    const attach = (context: RheaContext): void => events.attach(this, context);
    this.#rhea.on("sender_open", attach);
    this.#rhea.on("receiver_open", attach);
  }

  #accept(onOpen: () => void): void {
    this.#rhea.on("connection_open", () => {
      this.services.statistics.connections += 1;
      onOpen();
    });
    this.#rhea.accept(this.#socket);
  }

  #end(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    // Stops rhea's heartbeats, which would continue for a destroyed socket.
    this.#rhea._disconnected();
    this.#endLinks(() => true);
  }

  #endLinks(which: (link: OpenLink) => boolean): void {
    for (const link of [...this.#links]) if (which(link)) link.ended();
  }
}
