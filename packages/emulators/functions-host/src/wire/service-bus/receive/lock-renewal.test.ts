import { expect, test } from "@jest/globals";
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { whileRenewing } from "./lock-renewal";

const message = (lockedUntilUtc: Date): ServiceBusReceivedMessage =>
  ({ messageId: "m", lockedUntilUtc }) as ServiceBusReceivedMessage;
const soon = (): Date => new Date(Date.now() + 10);

test("a lock is renewed repeatedly while its message is in hand", async () => {
  let renewals = 0;
  let enough: () => void = () => undefined;
  const thrice = new Promise<void>((resolve) => (enough = resolve));
  const renewMessageLock = async (): Promise<Date> => {
    if ((renewals += 1) === 3) enough();
    return soon();
  };
  await whileRenewing({ renewMessageLock }, message(soon()), 60_000, () => thrice);
  expect(renewals).toBe(3);
});

test("no renewal follows one that was pending when the message was settled", async () => {
  let renewals = 0;
  let answer: (until: Date) => void = () => undefined;
  let asked: () => void = () => undefined;
  const underWay = new Promise<void>((resolve) => (asked = resolve));
  const renewMessageLock = (): Promise<Date> => {
    renewals += 1;
    asked();
    return new Promise((resolve) => (answer = resolve));
  };
  await whileRenewing({ renewMessageLock }, message(soon()), 60_000, () => underWay);
  answer(soon());
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(renewals).toBe(1);
});
