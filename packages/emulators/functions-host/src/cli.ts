import { Console } from "node:console";
import {
  choiceOption,
  commonOptions,
  defaulted,
  numberOption,
  required,
  runEmulatorCommand,
  textOption,
} from "@postern/emulator-kit";
import { startFunctionsHost } from "./emulator";
import { stderrLog } from "./engine/diagnostics/stderr-log";

const TEN_MINUTES_MS = 600_000;
/** Lets the responses of this turn leave before the process ends. */
const EXIT_DELAY_MS = 50;

const options = {
  app: required(textOption("DIR", "folder of the app, with its host.json")),
  ...commonOptions,
  settings: textOption("FILE", "JSON file of app settings"),
  "log-format": defaulted(
    choiceOption("form of the log lines on stderr", ["text", "json"]),
    "text",
  ),
  "on-timeout": defaulted(
    choiceOption("after functionTimeout: keep running, or exit as the service's worker does", [
      "abandon",
      "exit",
    ]),
    "abandon",
  ),
  "watchdog-ms": numberOption("how often an idle Service Bus trigger is checked (default 5000)", {
    min: 10,
    max: TEN_MINUTES_MS,
  }),
  "drain-ms": numberOption("how long a stop waits for running invocations (default 3000)", {
    min: 0,
    max: TEN_MINUTES_MS,
  }),
};

// Standard output carries the ready line only; what the app prints goes where the log goes.
globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr });

void runEmulatorCommand({
  name: "postern-functions-host-emulator",
  summary: "Azure Functions host emulator, for development and tests only.",
  options,
  start: async (values) => {
    const sink = stderrLog(values["log-format"]);
    // The SDK, which stands in for the service's Service Bus extension, leaves rejected promises behind when it gives
    // up a connection. Those of the app end the process, as they end its worker in Azure, unless the app catches them.
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
      app: values.app,
      port: values.port,
      controlPort: values["control-port"],
      dataDirectory: values.data,
      settingsFile: values.settings,
      onTimeout: values["on-timeout"],
      watchdogMs: values["watchdog-ms"],
      drainMs: values["drain-ms"],
      log: sink,
      onExit: (reason) => {
        sink({ time: new Date(), level: "critical", message: `Leaving: ${reason}` });
        setTimeout(() => process.exit(1), EXIT_DELAY_MS);
      },
    });
    return {
      endpoints: { functions: host.functions },
      control: host.control,
      close: () => host.close(),
    };
  },
});
