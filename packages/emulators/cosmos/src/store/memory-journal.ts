import type {
  ContainerRecord,
  DatabaseRecord,
  DocumentRecord,
  Journal,
} from "../engine/model/journal";

/** Keeps nothing: without a data directory, data lives in memory only. */
export class MemoryJournal implements Journal {
  #number = 0;

  databases(): DatabaseRecord[] {
    return [];
  }
  containers(): ContainerRecord[] {
    return [];
  }
  documents(): Iterable<DocumentRecord> {
    return [];
  }
  putDatabase(): void {}
  removeDatabase(): void {}
  putContainer(): void {}
  removeContainer(): void {}
  putDocument(): void {}
  removeDocument(): void {}
  putCounters(): void {}
  nextNumber(): number {
    return ++this.#number;
  }
  setting(): string | undefined {
    return undefined;
  }
  putSetting(): void {}
  afterCommit(callback: (error?: Error) => void): void {
    callback();
  }
  close(): void {}
}
