import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { z } from "zod";
import { clip, limits } from "@postern/contracts";
import type { Endpoints } from "@postern/local";
import type { Tenant } from "../target/expected-rows";

export class GraphRefusal extends Error {
  override readonly name = "GraphRefusal";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const List = z.object({
  value: z.array(z.looseObject({ id: z.string() })),
  "@odata.nextLink": z.string().optional(),
});

const USER_PROPERTIES =
  "id,userPrincipalName,displayName,givenName,surname,mail,department,jobTitle,accountEnabled";

/** The tenant's administrators: calls of Microsoft Graph over HTTPS, past every fault that the product meets. */
export class GraphSession {
  readonly #agent: Agent;
  readonly #base: string;
  readonly #token: () => string;

  constructor(endpoints: () => Endpoints) {
    const { graph, caFile } = endpoints();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, ca: readFileSync(caFile) });
    this.#base = `${graph}/v1.0`;
    this.#token = () => endpoints().graphToken;
  }

  call(method: string, path: string, body?: unknown): Promise<unknown> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        path.startsWith("https:") ? path : `${this.#base}${path}`,
        {
          method,
          agent: this.#agent,
          timeout: 20_000,
          headers: {
            authorization: `Bearer ${this.#token()}`,
            ...(payload === undefined
              ? {}
              : {
                  "content-type": "application/json",
                  "content-length": Buffer.byteLength(payload),
                }),
          },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => {
            const status = response.statusCode ?? 0;
            if (status >= 400)
              reject(
                new GraphRefusal(
                  status,
                  `${method} ${path}: ${status} ${clip(text, limits.loggedReasonChars)}`,
                ),
              );
            else resolve(text === "" ? undefined : JSON.parse(text));
          });
        },
      );
      call.on("timeout", () => call.destroy(new Error(`${method} ${path}: no answer in 20 s`)));
      call.on("error", reject);
      call.end(payload);
    });
  }

  /** Users and groups as they are now, from the ordinary lists: no delta, nothing that the product has read. */
  async tenant(): Promise<Tenant> {
    const [users, groups] = await Promise.all([
      this.#list(`/users?$select=${USER_PROPERTIES}&$expand=manager($select=id)&$top=999`),
      this.#list("/groups?$select=id,displayName,description,mail&$top=999"),
    ]);
    const withMembers: Tenant["groups"][number][] = [];
    for (const group of groups) {
      const members = await this.#list(`/groups/${group.id}/members?$select=id&$top=999`);
      withMembers.push({ ...group, members: members.map(({ id }) => ({ id })) });
    }
    return { users, groups: withMembers };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #list(path: string): Promise<z.infer<typeof List>["value"]> {
    const values: z.infer<typeof List>["value"] = [];
    for (let link: string | undefined = path; link !== undefined;) {
      const page: z.infer<typeof List> = List.parse(await this.call("GET", link));
      values.push(...page.value);
      // Links name the port that the product uses: asked of the same service, past the proxy.
      const next: string | undefined = page["@odata.nextLink"];
      link = next === undefined ? undefined : next.replace(/^https:\/\/[^/]+\/v1\.0/, "");
    }
    return values;
  }
}
