import manifest from "../../package.json";

/** Version of the agent program, as it registers. */
export const version: string = manifest.version;
