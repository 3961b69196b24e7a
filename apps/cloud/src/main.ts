import { app } from "@azure/functions";
import { hostname } from "node:os";
import { registerFunctions } from "./app/register-functions";
import { registerHttpFunctions } from "./app/register-http";
import { createPlatform } from "./app/platform";
import { loadSettings } from "./settings";

const platform = createPlatform(loadSettings(process.env, hostname()), {
  writeLog: (line) => console.log(line),
});
registerFunctions(platform);
registerHttpFunctions(platform);

// The Service Bus SDK leaves rejected promises behind when it gives up a connection. Their callers have handled the
// error already; the instance, and all that runs in it, must not end because of them.
process.on("unhandledRejection", (error) =>
  platform.logger.error("rejection.unhandled", { error }),
);

// Spans are exported in batches, once a second: the last batch is sent before the host ends the process.
app.hook.appTerminate(() => platform.close());
