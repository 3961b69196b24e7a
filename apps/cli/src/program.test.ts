import { expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCli } from "./fake-api";

const job = {
  ...{ id: "j1", kind: "target.test", group: "main", parameters: {}, timeoutSeconds: 60 },
  ...{ state: "queued", createdAt: "2026-01-01T00:00:00Z", createdBy: "ada" },
  ...{ deadline: "2026-01-01T00:01:00Z", attempts: [], result: null },
};
const none = () => ({ body: {} });
const nobody = "http://127.0.0.1:1";

test("a malformed token is refused without being printed, and is not reported as a network failure", async () => {
  for (const token of ['{\n  "accessToken": "CANARY"\n}', "CANARY CANARY", "CANÁRY-CANARY"]) {
    const run = await runCli(["syncs", "list"], none, {
      env: { POSTERN_URL: nobody, POSTERN_TOKEN: token },
    });
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain("--query accessToken -o tsv");
    expect(run.stderr).not.toContain("CANARY");
  }
});

test("an option value that cannot be a header is refused, and the error names the option", async () => {
  const start = ["jobs", "run", "target.test", "-g", "main", "-t", "hr-db"];
  for (const key of ["заказ-1", "", "a\nb"]) {
    const run = await runCli([...start, "--idempotency-key", key], none);
    expect([run.exitCode, run.requests]).toEqual([1, []]);
    expect(run.stderr).toContain("--idempotency-key");
  }
  const apply = await runCli(["syncs", "apply", "-", "--if-match", "ключ"], none);
  expect([apply.exitCode, apply.stderr]).toEqual([1, expect.stringContaining("--if-match")]);
});

test("POSTERN_URL is used even if the profile cannot be read", async () => {
  const home = mkdtempSync(path.join(tmpdir(), "postern-home-"));
  mkdirSync(path.join(home, ".config/postern"), { recursive: true });
  writeFileSync(path.join(home, ".config/postern/default.json"), "{");
  const env = { POSTERN_URL: nobody, POSTERN_TOKEN: "token" };
  const run = await runCli(["jobs", "list"], none, { home, env });
  rmSync(home, { recursive: true });
  expect([run.exitCode, run.stderr]).toEqual([4, expect.stringContaining(nobody)]);
});

test("a list that returns the same page forever ends with an error", async () => {
  const run = await runCli(["jobs", "list"], () => ({ body: { items: [], continuation: "x" } }));
  expect([run.exitCode, run.requests.length]).toEqual([2, 2]);
  expect(run.stderr).toContain("same page");
});

test("--timeout of a watch also limits a pending request", async () => {
  const beganMs = performance.now();
  const run = await runCli(["jobs", "watch", "j1", "--timeout", "2"], (_, requests) =>
    requests.length > 1 ? undefined : { body: job },
  );
  expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining("within 2 s: j1 queued")]);
  expect(performance.now() - beganMs).toBeLessThan(10_000);
});

test("codes and ids from the API cannot move the cursor", async () => {
  const problem = { type: "t", title: "t", status: 409, detail: "d", code: "x\u001b[2Jy" };
  const refused = await runCli(["jobs", "list"], () => ({ status: 409, body: problem }));
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("xy")]);
  const startedAt = "2026-01-01T00:00:00Z";
  const started = await runCli(["syncs", "start", "people"], () => ({
    ...{ status: 202, body: { cycleId: "c\u001b[2J1", definition: "people", startedAt } },
  }));
  expect(started).toMatchObject({ exitCode: 0, stdout: "c1\n" });
});

test("colours of stdout do not get into stderr", async () => {
  const listed = await runCli(
    ["jobs", "list"],
    () => ({ body: { items: [job], continuation: null } }),
    {
      colours: true,
    },
  );
  expect(listed.stdout).toContain("\u001b");
  const failed = await runCli(["jobs", "list"], none, { colours: true });
  expect([failed.exitCode, failed.stderr]).toEqual([2, expect.not.stringContaining("\u001b")]);
});

test("a job of an unknown kind is listed and shown", async () => {
  const newer = { ...job, id: "j2", kind: "runbook.run" };
  const listed = await runCli(["jobs", "list"], () => ({
    body: { items: [job, newer], continuation: null },
  }));
  expect(listed.exitCode).toBe(0);
  expect(listed.stdout).toMatch(/j1 .*\n.*j2 +runbook\.run/);
  const shown = await runCli(["jobs", "show", "j2"], () => ({ body: newer }));
  expect([shown.exitCode, shown.stdout]).toEqual([0, expect.stringContaining("runbook.run")]);
});

test("an answer that is not the API's is told apart from a refusal and a redirect", async () => {
  const html = await runCli(["syncs", "show", "people"], () => ({ body: "<html>" }));
  expect([html.exitCode, html.stderr]).toEqual([
    2,
    expect.stringContaining("(GET /api/syncs/people)"),
  ]);
  const gateway = await runCli(["syncs", "list"], () => ({ status: 502, body: "<html>" }));
  expect([gateway.exitCode, gateway.stderr]).toEqual([
    2,
    expect.stringContaining("answered 502 without saying why"),
  ]);
  const moved = await runCli(["syncs", "list"], () => ({ status: 302, body: {} }));
  expect([moved.exitCode, moved.stderr]).toEqual([
    4,
    expect.stringContaining("unexpected redirect"),
  ]);
});

test("an id stays one segment of the path, or is refused before anything is sent", async () => {
  const odd = await runCli(["jobs", "show", "../syncs?x#y"], () => ({ body: job }));
  expect(odd.requests.map(({ url }) => url)).toEqual(["/api/jobs/..%2Fsyncs%3Fx%23y"]);
  for (const id of ["..", ".", ""]) {
    const run = await runCli(["jobs", "show", id], none);
    expect([run.exitCode, run.requests]).toEqual([1, []]);
    expect(run.stderr).toContain(`'${id}' cannot be the id in a path`);
  }
});
