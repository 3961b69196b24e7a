/**
 * Work sent straight to a target's queue, as the cloud would send it: full rate from the first second, and items that
 * no mapping would make. The rows go to a table of their own, so that the tenant's stay what Graph says.
 */
import { ServiceBusClient, type ServiceBusMessage } from "@azure/service-bus";
import {
  BranchId,
  contentHash,
  CycleId,
  type EntityRef,
  itemIdOf,
  type Lane,
  laneOf,
  limits,
  MessageId,
  type SyncDefinition,
  TargetName,
  TenantId,
  Version,
  type WorkItem,
  workQueueName,
  type WorkSigner,
} from "@postern/contracts";
import type { Endpoints } from "@postern/local";
import { signerOf, stampedMessage } from "../../kit/stamped-work";

/** Rows of fed items, in any target: what a target's owner might guard it with stands beside. */
export const feedTable = "staff";
/** Name of a fed entity in the audit log. */
export const feedEntity = (row: string): string => `'user:' || ${row}.id`;

export interface FedItem {
  readonly id: string;
  readonly values: WorkItem["values"];
}

export class WorkFeed {
  readonly #client: ServiceBusClient;
  readonly #definition: SyncDefinition;
  readonly #tenant: TenantId;
  readonly #signer: Omit<WorkSigner, "at">;
  #version: number;

  private constructor(
    connectionString: string,
    definition: SyncDefinition,
    tenantId: string,
    signer: Omit<WorkSigner, "at">,
  ) {
    this.#signer = signer;
    this.#client = new ServiceBusClient(connectionString);
    this.#definition = definition;
    this.#tenant = TenantId.parse(tenantId);
    // Above every version that the definition's counter gives out meanwhile.
    this.#version = Date.now() + 365 * 24 * 3_600_000;
  }

  static async open(
    endpoints: Endpoints,
    definition: SyncDefinition,
    tenantId: string,
  ): Promise<WorkFeed> {
    return new WorkFeed(endpoints.serviceBus, definition, tenantId, await signerOf(endpoints));
  }

  queue(target: string): string {
    return workQueueName(this.#definition.group, TargetName.parse(target));
  }

  item({ id, values }: FedItem, version: Version): WorkItem {
    const entity: EntityRef = { type: "user", id };
    const state = { desired: "present", object: feedTable, key: { id }, values } as const;
    return {
      itemId: itemIdOf(this.#definition.id, entity, version),
      entity,
      version,
      ...state,
      hash: contentHash(state),
    };
  }

  /** Messages of up to `size` items, one version for all, each in the lane of its items. */
  messages(
    target: string,
    items: readonly FedItem[],
    size: number = limits.itemsPerMessage,
  ): ServiceBusMessage[] {
    const version = Version.parse((this.#version += 1));
    const lanes = new Map<Lane, WorkItem[]>();
    for (const fed of items) {
      const item = this.item(fed, version);
      const lane = laneOf(this.#definition.id, item.entity);
      const known = lanes.get(lane);
      if (known === undefined) lanes.set(lane, [item]);
      else known.push(item);
    }
    return [...lanes].flatMap(([lane, ofLane]) => {
      const messages: ServiceBusMessage[] = [];
      for (let from = 0; from < ofLane.length; from += size)
        messages.push(this.#message(target, lane, version, ofLane.slice(from, from + size), from));
      return messages;
    });
  }

  #message(
    target: string,
    lane: Lane,
    version: Version,
    items: readonly WorkItem[],
    part: number,
  ): ServiceBusMessage {
    const { id: definition, group } = this.#definition;
    const messageId = MessageId.parse(`${definition}:${version}.${lane.slice(-2)}.${part}#1`);
    return stampedMessage(
      this.#signer,
      {
        messageId,
        tenant: this.#tenant,
        branch: BranchId.parse("local"),
        definition,
        stream: "users",
        group,
        target: TargetName.parse(target),
        lane,
        cycleId: CycleId.parse(`chaos-${version}`),
        version,
        items: [...items],
      },
      "chaos",
    );
  }

  async send(target: string, messages: readonly ServiceBusMessage[]): Promise<void> {
    const sender = this.#client.createSender(this.queue(target));
    try {
      let batch = await sender.createMessageBatch();
      for (const message of messages) {
        if (batch.tryAddMessage(message)) continue;
        await sender.sendMessages(batch);
        batch = await sender.createMessageBatch();
        if (!batch.tryAddMessage(message)) throw new Error("a message is too large for a batch");
      }
      if (batch.count > 0) await sender.sendMessages(batch);
    } finally {
      await sender.close();
    }
  }

  /** Delivery counts of everything that waits in a target's queue: how many messages have which. */
  async deliveryCounts(target: string): Promise<ReadonlyMap<number, number>> {
    const receiver = this.#client.createReceiver(this.queue(target));
    const counts = new Map<number, number>();
    try {
      // Each call goes on where the one before ended.
      for (;;) {
        const found = await receiver.peekMessages(250);
        if (found.length === 0) return counts;
        for (const { deliveryCount = 0 } of found)
          counts.set(deliveryCount, (counts.get(deliveryCount) ?? 0) + 1);
      }
    } finally {
      await receiver.close();
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
