import { refusalOf } from "../connection/conditions";
import type { RheaLink } from "../rhea/rhea";

/** Holds the answer to an attach back until the link is opened; rhea would answer at the end of this turn. */
export function holdBack(link: RheaLink): void {
  link.state.local_open = false;
  link.state.open_requests = 0;
}

/**
 * Answers an attach with attach and detach at once, which is how AMQP refuses. The source is answered without its
 * filter: a session filter in the answer would tell the SDK that it has been given the session.
 */
export function refuseLink(link: RheaLink, error: unknown): void {
  const address = link.source?.address;
  link.set_source(address === null || address === undefined ? {} : { address });
  link.open();
  link.close(refusalOf(error));
}
