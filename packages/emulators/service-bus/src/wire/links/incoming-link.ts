import type { ClientConnection, OpenLink } from "../connection/client-connection";
import { ACCEPTED, type RheaDelivery, type RheaLink } from "../rhea/rhea";
import { readRequest, type Request } from "./request";

/** Opens a link on which a client sends, and passes what comes on it to `receive`. */
export function openIncomingLink(
  connection: ClientConnection,
  link: RheaLink,
  receive: (delivery: RheaDelivery, bytes: Buffer) => void,
): void {
  const opened: OpenLink = {
    session: link.session,
    ended: () => connection.removeLink(opened),
  };
  connection.addLink(opened);
  link.on("receiver_close", () => opened.ended());
  link.on("message", ({ delivery, message }) => {
    if (delivery !== undefined && Buffer.isBuffer(message)) receive(delivery, message);
  });
  link.open();
}

/** Opens a link on which a client sends requests; `reply` sends a message on the link that takes its replies. */
export function openRequestLink(
  connection: ClientConnection,
  link: RheaLink,
  handle: (request: Request, reply: (message: object) => void) => void,
): void {
  openIncomingLink(connection, link, (delivery, bytes) => {
    delivery.update(true, ACCEPTED);
    const request = readRequest(bytes);
    handle(request, (message) =>
      connection.findReplyLink(request.replyTo, link.session)?.send(message),
    );
  });
}
