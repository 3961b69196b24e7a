import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import path from "node:path";
import { workspaceRoot } from "@postern/local";

/** What becomes of the command's output when its reader is slow, or has gone. */
const program = path.join(workspaceRoot(), "apps/cli/dist/main.js");
const at = "2026-01-01T00:00:00Z";
const letter = {
  ...{ group: "main", state: "open", source: "results", by: "agent", code: "x", version: 1 },
  ...{ reason: "r".repeat(200), definition: "p", target: "t", entity: "e", itemId: "i" },
  ...{ messageId: "m", cycleId: "c", traceparent: null, attempts: [], deliveryCount: 1 },
  ...{ payload: "", payloadTruncated: false, payloadShown: "redacted", actions: [], replay: null },
  deadLetteredAt: at,
};
const job = {
  ...{ id: "j1", kind: "target.test", group: "main", parameters: {}, timeoutSeconds: 60 },
  ...{ createdAt: at, createdBy: "ada", deadline: at, attempts: [], result: null },
};

let server: Server;
let env: Record<string, string>;
let jobsRead = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    response.setHeader("content-type", "application/json");
    if (pathname.startsWith("/api/jobs/")) {
      jobsRead += 1;
      const state = ["queued", "running", "succeeded"][Math.min(jobsRead - 1, 2)];
      response.end(JSON.stringify({ ...job, state }));
      return;
    }
    const first = Number(searchParams.get("continuation") ?? 0);
    const next = first + Number(searchParams.get("limit"));
    const items = Array.from({ length: next - first }, (_, index) => ({
      ...{ ...letter, id: `d${first + index}` },
    }));
    response.end(JSON.stringify({ items, continuation: String(next) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  env = {
    ...{ POSTERN_URL: `http://127.0.0.1:${port}`, POSTERN_TOKEN: "token" },
    PATH: process.env["PATH"] ?? "",
  };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function shell(script: string, ...args: string[]): Promise<string> {
  const child = spawn("sh", ["-c", script, process.execPath, program, ...args], {
    ...{ env, stdio: ["ignore", "pipe", "ignore"] },
  });
  return (await buffer(child.stdout)).toString("utf8");
}

test("a slow reader of a pipe gets the whole answer", async () => {
  // Longer than the command waits for connections, and more than a pipe holds.
  const text = await shell('"$0" "$@" | { sleep 4; cat; }', "dlq", "list", "--json", "-n", "2000");
  expect((JSON.parse(text) as { items: unknown[] }).items).toHaveLength(2_000);
});

test("a reader of the progress that has gone does not end the command", async () => {
  const text = await shell(
    '{ { "$0" "$@" 2>&1 >&3 3>&-; echo "exit $?" >&3; } | head -n 1 >/dev/null; } 3>&1',
    ...["jobs", "watch", "j1"],
  );
  expect(text).toMatch(/state +succeeded[^]*exit 0\n$/);
});
