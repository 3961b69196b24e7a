import type { AuditEntry, DefinitionRecord } from "@postern/cloud";
import type {
  DeadLetter,
  Hold,
  IndexEntry,
  JobResultMessage,
  ParkedRecord,
} from "@postern/contracts";
import { FakeContainer } from "./fake-container";
import { FakeProgress } from "./fake-progress";
import { FakeSecurity } from "./fake-security";
import { Partitions } from "./partitions";

/** What Cosmos holds of the cloud. */
export class CloudStores {
  readonly definitions = new FakeContainer<DefinitionRecord>();
  readonly progress = new FakeProgress();
  readonly index = new Partitions<IndexEntry>();
  readonly holds = new Partitions<Hold>();
  readonly deadLetters = new FakeContainer<DeadLetter>();
  readonly audit = new FakeContainer<AuditEntry>();
  readonly parked = new FakeContainer<ParkedRecord>();
  readonly security = new FakeSecurity();
  /** Results of jobs that the cloud believed, in the order in which they came. */
  readonly jobResults: JobResultMessage[] = [];
}
