import { expect, test } from "@jest/globals";
import { startControlServer } from "./control-server";
import { FaultPlan } from "./faults";

test("a fault strikes only what it names, after the given number of passes, and the given number of times", () => {
  const plan = new FaultPlan();
  plan.add({ kind: "cut", operation: "send*", resource: "orders", times: 2, after: 1 });
  const strikes = ["orders", "other", "orders", "orders", "orders"].map(
    (queue) => plan.take("send-batch", queue)?.kind,
  );
  expect(strikes).toEqual([undefined, undefined, "cut", "cut", undefined]);
  expect(plan.list()).toEqual([]);
});

test("the control server arms faults, shows counters and names the problems of a bad fault", async () => {
  const faults = new FaultPlan();
  const server = await startControlServer({ faults, stats: () => ({ requests: 3 }) });
  try {
    const post = (body: unknown) =>
      fetch(`${server.url}/faults`, { method: "POST", body: JSON.stringify(body) });
    expect((await post({ kind: "delay", delayMs: 5 })).status).toBe(201);
    expect(faults.take("any", "thing")).toMatchObject({ kind: "delay", delayMs: 5 });
    const bad = await post({ kind: "explode" });
    expect(bad.status).toBe(400);
    expect(await bad.json()).toMatchObject({ error: expect.stringContaining("kind") });
    expect(await (await fetch(`${server.url}/stats`)).json()).toEqual({ requests: 3 });
    expect((await fetch(`${server.url}/faults`, { method: "DELETE" })).status).toBe(200);
    expect(faults.list()).toEqual([]);
  } finally {
    await server.close();
  }
});
