import type { AuditEntry, DefinitionRecord } from "@postern/cloud";
import type { DeadLetter, Hold, IndexEntry, SecurityEvent } from "@postern/contracts";
import { FakeContainer } from "./fake-container";
import { FakeProgress } from "./fake-progress";

/** What Cosmos holds of the cloud. */
export class CloudStores {
  readonly definitions = new FakeContainer<DefinitionRecord>();
  readonly progress = new FakeProgress();
  readonly index = new FakeContainer<IndexEntry>();
  readonly holds = new FakeContainer<Hold>();
  readonly deadLetters = new FakeContainer<DeadLetter>();
  readonly audit = new FakeContainer<AuditEntry>();
  /** What did not prove itself, in the order in which it came. */
  readonly securityEvents: SecurityEvent[] = [];
}
