import manifest from "../../package.json";

/** Version of the agent program, as registered with the cloud. */
export const version: string = manifest.version;
