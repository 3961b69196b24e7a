import { expect, test } from "@jest/globals";
import { Semaphore } from "./semaphore";

test("a semaphore runs as much work as it has permits, and the rest in order", async () => {
  const semaphore = new Semaphore(2);
  const started: number[] = [];
  const finish: (() => void)[] = [];
  const work = [1, 2, 3, 4].map((id) =>
    semaphore.run(async () => {
      started.push(id);
      await new Promise<void>((resolve) => finish.push(resolve));
    }),
  );
  await Promise.resolve();
  expect(started).toEqual([1, 2]);
  finish[0]?.();
  await work[0];
  expect(started).toEqual([1, 2, 3]);
  finish[1]?.();
  await work[1];
  expect(started).toEqual([1, 2, 3, 4]);
  finish.slice(2).forEach((end) => end());
  await Promise.all(work);
});

test("a semaphore releases its permit when the work fails", async () => {
  const semaphore = new Semaphore(1);
  await expect(semaphore.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(semaphore.run(async () => "next")).resolves.toBe("next");
});
