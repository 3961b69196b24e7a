import {
  commonOptions,
  readTopologyFile,
  required,
  runEmulatorCommand,
  textOption,
} from "@postern/emulator-kit";
import { startServiceBusEmulator } from "./emulator";
import { Topology } from "./topology";

const options = {
  topology: required(textOption("FILE", "JSON file of the queues")),
  ...commonOptions,
  "shared-access-key": textOption(
    "KEY",
    "key of the namespace; without it, the key kept in --data or a random one",
  ),
};

void runEmulatorCommand({
  name: "postern-service-bus-emulator",
  summary: "Azure Service Bus emulator, for development and tests only, never for production.",
  notice: "Azure Service Bus emulator, for development and tests only, never for production.",
  options,
  start: async (values) => {
    const emulator = await startServiceBusEmulator({
      topology: readTopologyFile(values.topology, Topology),
      port: values.port,
      controlPort: values["control-port"],
      dataDirectory: values.data,
      sharedAccessKey: values["shared-access-key"],
    });
    return {
      endpoints: { connectionString: emulator.connectionString },
      control: emulator.control,
      close: () => emulator.close(),
    };
  },
});
