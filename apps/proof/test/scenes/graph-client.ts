import { readFileSync } from "node:fs";
import { setDefaultCACertificates, getCACertificates } from "node:tls";
import { Client } from "@microsoft/microsoft-graph-client";
import type { Endpoints } from "@postern/local";

/** The official client against the local Graph. */
export function graphClient({
  graph,
  graphToken,
  caFile,
}: Pick<Endpoints, "graph" | "graphToken" | "caFile">): Client {
  setDefaultCACertificates([...getCACertificates("default"), readFileSync(caFile, "utf8")]);
  return Client.init({
    baseUrl: graph,
    defaultVersion: "v1.0",
    customHosts: new Set([new URL(graph).hostname]),
    authProvider: (done) => done(null, graphToken),
  });
}
