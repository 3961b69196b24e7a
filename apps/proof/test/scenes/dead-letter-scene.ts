import { randomUUID } from "node:crypto";
import { CosmosClient } from "@azure/cosmos";
import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import {
  BranchId,
  contentHash,
  CycleId,
  databaseName,
  DeadLetter,
  DefinitionId,
  entityKey,
  type EntityRef,
  eventProperties,
  itemIdOf,
  type ItemResult,
  laneOf,
  ParkedRecord,
  partCode,
  type PartFacts,
  RESULT_MESSAGE_TYPE,
  SyncDefinition,
  TenantId,
  Version,
  type WorkItem,
} from "@postern/contracts";
import { type ApiServer, branch, tenantId } from "./api-server";
import { eventually } from "./platform-run";

/**
 * A branch in which items of one definition have failed: what a page run, an agent and the results consumer would have
 * left, written to the stores; and the agent's side of the queues, to answer what is replayed.
 */
export const people = SyncDefinition.parse({
  id: "people",
  group: "main",
  target: "hr-db",
  users: {
    object: "people",
    key: { id: "id" },
    columns: { upn: "userPrincipalName", level: "jobLevel" },
  },
});
export const definition = DefinitionId.parse("people");
export const version = Version.parse(1_795_248_000_017);
export const cycleId = CycleId.parse("c20261121T080000000");
const queue = "sync-main-hr-db";

export class DeadLetterScene {
  readonly #api: ApiServer;
  readonly #cosmos: CosmosClient;
  readonly #bus: ServiceBusClient;
  #count = 0;

  private constructor(api: ApiServer) {
    this.#api = api;
    this.#cosmos = new CosmosClient({ endpoint: api.cosmos.endpoint, key: api.cosmos.key });
    this.#bus = new ServiceBusClient(api.serviceBus.connectionString);
  }

  /** One page of `items` items, of which as many as there will be letters have failed. */
  static async set(api: ApiServer, { items }: { items: number }): Promise<DeadLetterScene> {
    const scene = new DeadLetterScene(api);
    const admin = await api.token(["TargetAdmin"]);
    const put = await api.request("PUT", "syncs/people", { token: admin, body: people });
    if (put.status !== 201) throw new Error(put.text);
    const base = { definition, cycleId, ttl: 86_400 };
    const progress = scene.container("progress");
    await progress.items.create({
      ...base,
      id: `cycle:${cycleId}`,
      type: "cycle",
      kind: "incremental",
      startedAt: "2026-11-21T08:00:00.000Z",
      streams: { users: "done" },
    });
    await progress.items.create({
      ...base,
      id: `page:${version}`,
      type: "page",
      stream: "users",
      version,
      read: items,
      count: items,
      held: 0,
      committedAt: "2026-11-21T08:00:01.000Z",
    });
    return scene;
  }

  container(name: string) {
    return this.#cosmos.database(databaseName).container(name);
  }

  item(id: string, values: WorkItem["values"] = { upn: `${id}@contoso.example`, level: 7 }) {
    const entity: EntityRef = { type: "user", id };
    const state = { desired: "present" as const, object: "people", key: { id }, values };
    const made: WorkItem = {
      itemId: itemIdOf(definition, entity, version),
      entity,
      version,
      ...state,
      hash: contentHash(state),
    };
    return made;
  }

  /** A message as the results consumer keeps it when an agent did not read its major version. */
  async parked(more: Partial<ParkedRecord> = {}): Promise<ParkedRecord> {
    this.#count += 1;
    const messageId = `people:${version}.00.${this.#count}#0`;
    const time = "2026-11-21T08:00:00.000Z";
    const unreadType = "postern.sync.apply.v2";
    const record = ParkedRecord.parse({
      id: messageId.replace("#", "_"),
      state: "parked",
      parkedAt: "2026-11-21T08:00:02.000Z",
      sentAt: null,
      group: "main",
      agent: "vm-1",
      target: "hr-db",
      sessionId: "people/00",
      workMessageId: messageId,
      unreadType,
      reason: "this agent reads postern.sync.apply.v1",
      properties: {
        ...eventProperties({ id: messageId, source: "/cloud", type: unreadType, time }),
        "postern:definition": definition,
        "postern:cycleId": cycleId,
        "postern:version": version,
        "postern:count": 2,
      },
      payload: JSON.stringify({ messageId, changes: [{ upn: "ada@contoso.example" }] }),
      ...more,
    });
    await this.container("parked").items.create({ ...record, ttl: 86_400 });
    return record;
  }

  /** A letter as the results consumer stores it, with the marker that has counted it. */
  async letter(more: Partial<DeadLetter> = {}): Promise<DeadLetter> {
    this.#count += 1;
    const nth = String(this.#count).padStart(4, "0");
    const item = this.item(`00000000-0000-4000-8000-00000000${nth}`);
    const messageId = `people:${version}.00.${this.#count}#0`;
    const letter: DeadLetter = {
      id: `20261121T08000${nth}Z-${messageId.replace("#", "_")}.${item.itemId}`,
      group: "main",
      state: "open",
      source: "results",
      by: "agent",
      code: "target-rejected",
      reason: "table 'people', column 'level': the value is out of range",
      definition,
      target: "hr-db",
      entity: entityKey(item.entity),
      itemId: item.itemId,
      version,
      messageId,
      cycleId,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      attempts: [
        {
          at: "2026-11-21T08:00:02.000Z",
          agent: "vm-1",
          failure: "permanent",
          code: "target-rejected",
          reason: "out of range",
        },
      ],
      deliveryCount: 0,
      payload: JSON.stringify(item),
      payloadTruncated: false,
      proven: true,
      deadLetteredAt: "2026-11-21T08:00:02.000Z",
      ...more,
    };
    await this.container("deadletters").items.create<object>(letter);
    await this.container("progress").items.create({
      id: `marker:${messageId.replace("#", "_")}`,
      type: "marker",
      definition,
      cycleId,
      workMessageId: messageId,
      version,
      counts: { "dead-lettered": 1 },
      at: "2026-11-21T08:00:02.000Z",
      exceptions: [],
      ttl: 86_400,
    });
    return letter;
  }

  async stored(letter: Pick<DeadLetter, "id" | "group">): Promise<DeadLetter | undefined> {
    const { resource } = await this.container("deadletters")
      .item(letter.id, letter.group)
      .read<{ id: string }>();
    return resource === undefined ? undefined : DeadLetter.parse(resource);
  }

  /** What the index knows of the letter's entity from a later page. */
  async newer(letter: DeadLetter, by: number): Promise<void> {
    const { entity } = JSON.parse(letter.payload) as WorkItem;
    await this.container("index").items.upsert({
      id: entityKey(entity),
      lane: laneOf(definition, entity),
      entity,
      source: {},
      exists: true,
      inScope: true,
      sent: true,
      version: version + by,
      generation: 1,
    });
  }

  /** Messages of the work queue, scheduled ones too, whose id begins so. */
  async sent(prefix = ""): Promise<ServiceBusReceivedMessage[]> {
    // A client remembers how far it has peeked into a queue: a new one begins at the first message.
    const bus = new ServiceBusClient(this.#api.serviceBus.connectionString);
    const receiver = bus.createReceiver(queue);
    const found: ServiceBusReceivedMessage[] = [];
    for (;;) {
      const part = await receiver.peekMessages(250);
      if (part.length === 0) break;
      found.push(...part);
    }
    await bus.close();
    // One whose time comes between two looks is seen twice: scheduled, and active under a new sequence number.
    const active = new Set(
      found.filter(({ state }) => state === "active").map(({ messageId }) => messageId),
    );
    return found.filter(
      ({ messageId, state }) =>
        String(messageId).startsWith(prefix) && !(state === "scheduled" && active.has(messageId)),
    );
  }

  /** Says as an agent how the item of a letter ended, and waits until that is consumed. */
  async report(
    letter: DeadLetter,
    workMessageId: string,
    outcome: Pick<ItemResult, "outcome" | "code" | "reason">,
  ): Promise<void> {
    const item = JSON.parse(letter.payload) as WorkItem;
    const place = {
      definition,
      stream: "users" as const,
      target: people.target,
      lane: laneOf(definition, item.entity),
      cycleId,
      version,
    };
    const signer = await this.#api.workSigner();
    const facts: PartFacts = {
      ...place,
      tenant: TenantId.parse(tenantId),
      branch: BranchId.parse(branch),
      group: people.group,
      key: signer.key,
      at: signer.at,
      partId: workMessageId,
      items: [item],
    };
    // A new id each time: the consumer, not the broker, must detect the duplicate.
    const id = `r:${randomUUID()}`;
    const sender = this.#bus.createSender("results-main");
    await sender.sendMessages({
      messageId: id,
      applicationProperties: eventProperties({
        id,
        source: "/test/agent",
        type: RESULT_MESSAGE_TYPE,
        time: new Date().toISOString(),
      }),
      contentType: "application/json",
      body: {
        messageId: id,
        tenant: tenantId,
        branch,
        group: "main",
        agent: "vm-1",
        at: new Date().toISOString(),
        results: [
          {
            ...place,
            workMessageId,
            items: [
              {
                itemId: item.itemId,
                entity: item.entity,
                version,
                hash: item.hash,
                ...outcome,
                ...(outcome.outcome === "dead-lettered" ? { item } : {}),
              },
            ],
            proof: { key: signer.key, at: signer.at, code: partCode(signer.secret, facts) },
          },
        ],
      },
    });
    await sender.close();
    // Not at its marker, which is the first that its consumer writes: letters follow it.
    await eventually(`the result of ${workMessageId} is consumed`, async () => {
      // A client looks past what it has seen: one that has seen the result would find none, consumed or not.
      const bus = new ServiceBusClient(this.#api.serviceBus.connectionString);
      try {
        return (await bus.createReceiver("results-main").peekMessages(1)).length === 0;
      } finally {
        await bus.close();
      }
    });
  }

  async cycle(): Promise<Record<string, unknown>> {
    const token = await this.#api.token(["Reader"]);
    const reply = await this.#api.request("GET", `syncs/people/cycles/${cycleId}`, { token });
    if (reply.status !== 200) throw new Error(reply.text);
    return reply.json ?? {};
  }

  async audit(subject: string): Promise<Record<string, unknown>[]> {
    const { resources } = await this.container("audit")
      .items.query<Record<string, unknown>>({
        query: "SELECT * FROM c WHERE c.subject = @subject ORDER BY c.id",
        parameters: [{ name: "@subject", value: subject }],
      })
      .fetchAll();
    return resources;
  }

  async close(): Promise<void> {
    await this.#bus.close();
    this.#cosmos.dispose();
  }
}
