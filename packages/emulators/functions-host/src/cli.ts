import { Console } from "node:console";
import { parseArgs } from "node:util";
import { runEmulatorProcess } from "@postern/emulator-kit";
import { z } from "zod";
import { startFunctionsHost } from "./emulator";
import { stderrLog } from "./engine/diagnostics/stderr-log";

const Port = z.coerce.number().int().min(0).max(65_535);
const Flags = z.object({
  app: z.string("--app DIR is required: the folder with the app's host.json"),
  port: Port.default(0),
  "control-port": Port.default(0),
  data: z.string().optional(),
  settings: z.string().optional(),
  "log-format": z.enum(["text", "json"]).default("text"),
  "on-timeout": z.enum(["abandon", "exit"]).default("abandon"),
  "watchdog-ms": z.coerce.number().int().min(10).max(600_000).optional(),
  "drain-ms": z.coerce.number().int().min(0).max(600_000).optional(),
});

// Standard output carries the ready line and nothing else; what the app prints goes where the log goes.
globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });

void runEmulatorProcess(async (argv) => {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    options: {
      app: text,
      port: text,
      "control-port": text,
      data: text,
      settings: text,
      "log-format": text,
      "on-timeout": text,
      "drain-ms": text,
      "watchdog-ms": text,
    },
  });
  const parsed = Flags.safeParse(values);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const flags = parsed.data;
  const sink = stderrLog(flags["log-format"]);
  // The service's Service Bus extension is another one. The SDK that stands in for it leaves rejected promises behind when
  // it gives up a connection; those of the app end the process, as they end its worker in Azure, unless it catches them.
  process.on("unhandledRejection", (error) => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const ours = reason.includes(__filename);
    if (!ours && process.listenerCount("unhandledRejection") > 1) return;
    sink({
      time: new Date(),
      level: ours ? "warning" : "critical",
      message: `Unhandled rejection: ${reason}`,
    });
    if (!ours) process.exit(1);
  });
  const host = await startFunctionsHost({
    app: flags.app,
    port: flags.port,
    controlPort: flags["control-port"],
    onTimeout: flags["on-timeout"],
    log: sink,
    onExit: (reason) => {
      sink({ time: new Date(), level: "critical", message: `Leaving: ${reason}` });
      // The answers of this turn go out first.
      setTimeout(() => process.exit(1), 50);
    },
    ...(flags.data === undefined ? {} : { data: flags.data }),
    ...(flags.settings === undefined ? {} : { settingsFile: flags.settings }),
    ...(flags["watchdog-ms"] === undefined ? {} : { watchdogMs: flags["watchdog-ms"] }),
    ...(flags["drain-ms"] === undefined ? {} : { drainMs: flags["drain-ms"] }),
  });
  return {
    endpoints: { functions: host.functions },
    control: host.control,
    close: () => host.close(),
  };
});
