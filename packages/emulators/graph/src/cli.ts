import {
  commonOptions,
  httpsOptions,
  localCertificates,
  numberOption,
  required,
  runEmulatorCommand,
  textOption,
} from "@postern/emulator-kit";
import { startGraphEmulator } from "./emulator";
import { readTenant } from "./topology";

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

const options = {
  issuer: required(textOption("URL", "issuer whose access tokens are accepted")),
  ...httpsOptions,
  ...commonOptions,
  audience: textOption("URI", "accepted audience (default https://graph.microsoft.com)"),
  tenant: textOption("FILE", "JSON file of the users and groups to start with"),
  replay: numberOption("chance that delta repeats earlier changes (default 0)", {
    min: 0,
    max: 1,
    fractions: true,
  }),
  "replication-lag-ms": numberOption("how late delta shows a change (default 0)", {
    min: 0,
    max: YEAR_MS,
    fractions: true,
  }),
  "max-token-age-ms": numberOption("age at which delta tokens expire (default 7 days)", {
    min: 0,
    max: YEAR_MS,
    fractions: true,
  }),
};

void runEmulatorCommand({
  name: "postern-graph-emulator",
  summary: "Microsoft Graph emulator, for development and tests only.",
  notice: "Microsoft Graph emulator, for development and tests only.",
  options,
  start: async (values) => {
    const emulator = await startGraphEmulator({
      // Before anything is made: a file that cannot be used leaves nothing behind.
      seed: values.tenant === undefined ? undefined : readTenant(values.tenant),
      port: values.port,
      controlPort: values["control-port"],
      publicPort: values["public-port"],
      dataDirectory: values.data,
      certificates: await localCertificates(values.certificates),
      issuer: values.issuer,
      audience: values.audience,
      replay: values.replay,
      replicationLagMs: values["replication-lag-ms"],
      maxTokenAgeMs: values["max-token-age-ms"],
    });
    return {
      endpoints: { graph: emulator.graph },
      control: emulator.control,
      close: () => emulator.close(),
    };
  },
});
