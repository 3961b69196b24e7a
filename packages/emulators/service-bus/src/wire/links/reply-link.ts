/** A link on which a client receives the replies to its requests ($cbs and $management). */
import type { ClientConnection, OpenLink, ReplyTarget } from "../connection/client-connection";
import { encodeMessage, settleSent, type RheaSender, type RheaSession } from "../rhea/rhea";

export class ReplyLink implements OpenLink, ReplyTarget {
  readonly session: RheaSession;
  readonly #connection: ClientConnection;
  readonly #link: RheaSender;
  #waiting: Buffer[] = [];
  #sent = 0;

  constructor(connection: ClientConnection, link: RheaSender) {
    this.session = link.session;
    this.#connection = connection;
    this.#link = link;
  }

  start(): void {
    this.#connection.addLink(this);
    this.#connection.addReplyLink(this);
    this.#link.on("sender_close", () => this.ended());
    this.#link.on("sender_flow", () => this.#flush());
    // The client has read a reply: only its place in rhea's buffer must be freed.
    for (const outcome of ["accepted", "released", "rejected", "modified", "settled"]) {
      this.#link.on(outcome, ({ delivery }) => {
        if (delivery !== undefined) settleSent(delivery, delivery.remote_state);
      });
    }
    this.#link.open();
  }

  ended(): void {
    this.#connection.removeLink(this);
    this.#connection.removeReplyLink(this);
  }

  answersTo(replyTo: string): boolean {
    return this.#link.target?.address === replyTo || this.#link.name === replyTo;
  }

  send(message: object): void {
    this.#waiting.push(encodeMessage(message));
    this.#flush();
  }

  /** Sending without credit would block every link of the AMQP session, so replies wait for credit here. */
  #flush(): void {
    while (this.#waiting.length > 0 && this.#link.delivery_count + this.#link.credit > this.#sent) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.#sent += 1;
      this.#link.send(bytes, undefined, 0);
    }
  }
}
