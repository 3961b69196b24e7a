import { randomBytes } from "node:crypto";
import type { DatabaseRecord, Journal } from "./model/journal";
import { Container } from "./container";
import { checkReplacement, parseContainerDefinition } from "./model/container-definition";
import { checkId } from "./model/document";
import { CosmosError } from "./model/cosmos-error";
import { isObject, parseJson, type Json, type JsonObject } from "./model/json";
import { databaseResourceId } from "./model/resource-id";

export class Database {
  readonly record: DatabaseRecord;
  readonly resourceId: string;
  readonly containers = new Map<string, Container>();

  constructor(record: DatabaseRecord) {
    this.record = record;
    this.resourceId = databaseResourceId(record.number);
  }

  /** The database as clients see it. */
  resource(): JsonObject {
    const { id, createdMs } = this.record;
    const stamp = createdMs.toString(16).padStart(12, "0");
    return {
      id,
      _rid: this.resourceId,
      _self: `dbs/${this.resourceId}/`,
      _etag: `"00000000-0000-0000-0000-${stamp}"`,
      _colls: "colls/",
      _users: "users/",
      _ts: Math.floor(createdMs / 1000),
    };
  }

  /** @throws CosmosError `NotFound` */
  container(id: string): Container {
    const container = this.containers.get(id);
    if (container === undefined) {
      throw new CosmosError(
        "NotFound",
        `Container '${id}' of database '${this.record.id}' does not exist.`,
      );
    }
    return container;
  }
}

/** The databases and containers of the emulated account. */
export class Account {
  readonly databases = new Map<string, Database>();
  readonly #journal: Journal;
  readonly #nowMs: () => number;

  constructor(journal: Journal, nowMs: () => number) {
    this.#journal = journal;
    this.#nowMs = nowMs;
    const byNumber = new Map<number, Database>();
    for (const record of journal.databases()) {
      const database = new Database(record);
      byNumber.set(record.number, database);
      this.databases.set(record.id, database);
    }
    for (const record of journal.containers()) {
      const definition = parseContainerDefinition(parseJson(record.definition));
      const container = new Container(record, definition, journal);
      byNumber.get(record.databaseNumber)?.containers.set(record.id, container);
    }
  }

  /** @throws CosmosError `NotFound` */
  database(id: string): Database {
    const database = this.databases.get(id);
    if (database === undefined) {
      throw new CosmosError("NotFound", `Database '${id}' does not exist.`);
    }
    return database;
  }

  createDatabase(body: Json | undefined): Database {
    const id = checkId(body !== undefined && isObject(body) ? body["id"] : undefined);
    if (this.databases.has(id))
      throw new CosmosError("Conflict", `Database '${id}' already exists.`);
    const record = { number: this.#journal.nextNumber(), id, createdMs: this.#nowMs() };
    const database = new Database(record);
    this.databases.set(id, database);
    this.#journal.putDatabase(record);
    return database;
  }

  deleteDatabase(id: string): void {
    const database = this.database(id);
    for (const container of database.containers.values()) {
      this.#journal.removeContainer(container.number);
    }
    this.databases.delete(id);
    this.#journal.removeDatabase(database.record.number);
  }

  createContainer(database: Database, body: Json | undefined): Container {
    const definition = parseContainerDefinition(body);
    if (database.containers.has(definition.id)) {
      throw new CosmosError("Conflict", `Container '${definition.id}' already exists.`);
    }
    const record = {
      number: this.#journal.nextNumber(),
      databaseNumber: database.record.number,
      id: definition.id,
      definition: JSON.stringify(definition.resource),
      salt: randomBytes(4).toString("hex"),
      changedMs: this.#nowMs(),
      lsn: 0,
      documentSequence: 0,
    };
    const container = new Container(record, definition, this.#journal);
    database.containers.set(definition.id, container);
    this.#journal.putContainer(record);
    return container;
  }

  replaceContainer(
    container: Container,
    body: Json | undefined,
    ifMatch: string | undefined,
  ): void {
    if (ifMatch !== undefined && ifMatch !== "*" && ifMatch !== container.resource()["_etag"]) {
      throw new CosmosError("PreconditionFailed", "The container has changed since it was read.");
    }
    const definition = parseContainerDefinition(body);
    checkReplacement(container.definition, definition);
    container.redefine(definition, this.#nowMs());
  }

  deleteContainer(database: Database, id: string): void {
    const container = database.container(id);
    database.containers.delete(id);
    this.#journal.removeContainer(container.number);
  }

  *containers(): Iterable<Container> {
    for (const database of this.databases.values()) yield* database.containers.values();
  }
}
