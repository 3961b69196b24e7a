import type { Queue } from "../engine/queue/queue";
import { parseAddress } from "./links/address";
import type { ClientConnection } from "./connection/client-connection";
import { openClaimsLink } from "./links/claims-link";
import { underFaults } from "./connection/faults";
import { holdBack, refuseLink } from "./links/attach-reply";
import { openManagementLink } from "./links/management-link";
import { ReceiverLink, sessionFilterOf } from "./links/receiver-link";
import { ReplyLink } from "./links/reply-link";
import type { RheaContext, RheaLink, RheaSender } from "./rhea/rhea";
import { openSenderLink } from "./links/sender-link";

/** Connects a link that a client has attached with what its address names. */
export function attachLink(connection: ClientConnection, context: RheaContext): void {
  const { sender, receiver } = context;
  if (sender !== undefined) attachReceivingClient(connection, sender);
  else if (receiver !== undefined) attachSendingClient(connection, receiver);
}

function attachSendingClient(connection: ClientConnection, link: RheaLink): void {
  const target = link.target ?? {};
  link.set_target(target);
  link.set_source(link.source ?? {});
  const address = parseAddress(target.address);
  switch (address.kind) {
    case "claims":
      return openClaimsLink(connection, link);
    case "management":
      return attachToQueue(connection, link, address.entity, (queue) =>
        openManagementLink(connection, link, queue),
      );
    case "entity":
      return attachToQueue(connection, link, address.entity, (queue) =>
        openSenderLink(connection, link, queue),
      );
  }
}

function attachReceivingClient(connection: ClientConnection, link: RheaSender): void {
  const source = link.source ?? {};
  link.set_source(source);
  link.set_target(link.target ?? {});
  link.local.attach.snd_settle_mode = link.snd_settle_mode;
  link.local.attach.rcv_settle_mode = link.rcv_settle_mode;
  const address = parseAddress(source.address);
  switch (address.kind) {
    case "claims":
      return new ReplyLink(connection, link).start();
    case "management":
      return attachToQueue(connection, link, address.entity, () =>
        new ReplyLink(connection, link).start(),
      );
    case "entity":
      return attachToQueue(connection, link, address.entity, (queue) => {
        queue.checkReceiver(sessionFilterOf(link) !== undefined);
        new ReceiverLink(connection, link, queue).start();
      });
  }
}

function attachToQueue(
  connection: ClientConnection,
  link: RheaLink,
  entity: string,
  start: (queue: Queue) => void,
): void {
  holdBack(link);
  underFaults(connection.services.faults, connection, "attach", entity, {
    run: (replies) => {
      if (!replies) return connection.drop();
      try {
        connection.checkClaim(entity);
        start(connection.services.broker.queue(entity));
      } catch (error) {
        refuseLink(link, error);
      }
    },
    refuse: (error) => refuseLink(link, error),
  });
}
