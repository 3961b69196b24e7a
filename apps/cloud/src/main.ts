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

// The Service Bus SDK leaves promises behind when it gives up a connection. What they are refused with is known to
// whoever used it; the instance, and all that runs in it, must not end by them.
process.on("unhandledRejection", (error) =>
  platform.logger.error("unhandled-rejection", { error }),
);

// Spans wait up to a second for company: those of the last second go out before the host ends the process.
app.hook.appTerminate(() => platform.close());
