/** What the cloud reads of Microsoft Graph. */
import type { EntityRef, StreamName } from "@postern/contracts";

/** One object of a delta page or of a direct read: changed properties only, references and members taken apart. */
export interface SourceChange {
  readonly type: "user" | "group";
  readonly id: string;
  /** Set when the source reports it gone. */
  readonly removed?: "changed" | "deleted";
  /** Absent = unchanged, null = cleared. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Changes of the single-valued reference `manager`. */
  readonly manager?: ReferenceChange;
  readonly members?: readonly MemberChange[];
  /** Contains membership changes only: the group itself was not read. */
  readonly membersOnly?: boolean;
  /** Why the object is there but cannot be read; `properties` then holds its id alone. */
  readonly refused?: string;
}

/** Something of a page that cannot be read and has no id of its own by which it could be looked up. */
export interface UnreadableEntity {
  /** With a digest of what was sent in the place of the id. */
  readonly entity: EntityRef;
  readonly reason: string;
}

export interface ReferenceChange {
  readonly set?: string;
  /** Ids that were reported as removed. */
  readonly cleared: readonly string[];
}

export interface MemberChange {
  readonly id: string;
  /** `user`, `group`, `device` …, from `@odata.type`. */
  readonly memberType: string | null;
  readonly present: boolean;
}

export interface SourcePage {
  readonly changes: readonly SourceChange[];
  readonly unreadable?: readonly UnreadableEntity[];
  /** What the page took on the wire, decompressed. */
  readonly bytes?: number;
  /** Exactly one of the two is set. */
  readonly nextLink: string | null;
  readonly deltaLink: string | null;
}

export interface GraphSource {
  /** One page of a delta query; `link` null begins an enumeration from scratch. Rejects with `SourceError`. */
  page(stream: StreamName, select: readonly string[], link: string | null): Promise<SourcePage>;
  /** One object as it is now, or undefined when the source has none of that id. */
  object(
    type: "user" | "group",
    id: string,
    select: readonly string[],
  ): Promise<SourceChange | undefined>;
  /** Whether the group has that direct member now, and of which type. */
  member(groupId: string, memberId: string): Promise<MemberChange>;
}

export type SourceFailure = "throttled" | "expired" | "unavailable" | "refused";

/** Microsoft Graph did not return what was requested. */
export class SourceError extends Error {
  readonly failure: SourceFailure;
  /** Milliseconds until the next try, if the source named a time. */
  readonly retryAfterMs: number | null;

  constructor(
    failure: SourceFailure,
    message: string,
    options: { retryAfterMs?: number | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SourceError";
    this.failure = failure;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
