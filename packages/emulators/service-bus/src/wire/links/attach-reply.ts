import { refusalOf } from "../connection/conditions";
import type { RheaLink } from "../rhea/rhea";

/** Holds the reply to an attach back until the link is opened; rhea would reply at the end of this turn. */
export function holdBack(link: RheaLink): void {
  link.state.local_open = false;
  link.state.open_requests = 0;
}

/**
 * Replies to an attach with attach and then detach, which is how AMQP refuses. The source is returned without its
 * filter: from a session filter in the reply the SDK would conclude that it has been given the session.
 */
export function refuseLink(link: RheaLink, error: unknown): void {
  const address = link.source?.address;
  link.set_source(address === null || address === undefined ? {} : { address });
  link.open();
  link.close(refusalOf(error));
}
