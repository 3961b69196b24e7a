import { expect, test } from "@jest/globals";
import type { ServiceBusClient } from "@azure/service-bus";
import { silentLog } from "../../test/world";
import { ServiceBusBroker } from "./service-bus-broker";
import { systemClock } from "@postern/runtime";

test("a sender still works after the broker has refused a send", async () => {
  let senders = 0;
  const refusal = Object.assign(new Error("the queue is full"), {
    name: "MessagingError",
    code: "QuotaExceeded",
  });
  const client = {
    createSender: () => {
      senders += 1;
      return {
        createMessageBatch: async () => ({}),
        sendMessages: async () => {
          throw refusal;
        },
        close: async () => undefined,
      };
    },
    close: async () => undefined,
  };
  const broker = new ServiceBusBroker({
    clock: systemClock,
    log: silentLog,
    acceptWaitMs: 1_000,
    sendQueues: [],
    // The part of the SDK's client that a send needs.
    connect: () => client as unknown as ServiceBusClient,
  });
  const message = { messageId: "r:1", properties: {}, body: {} };
  for (let tries = 0; tries < 5; tries += 1) {
    await expect(broker.send("results-main", [message])).rejects.toThrow("the queue is full");
  }
  await broker.close();
  expect(senders).toBe(1);
});
