import { createTables, sqlConnector } from "@postern/connectors";
import { PosternError, type EntityMapping, type SyncDefinition } from "@postern/contracts";
import type { TargetUrl } from "./options";

function mappings(definition: SyncDefinition): EntityMapping[] {
  return [definition.users, definition.groups, definition.memberships].filter(
    (mapping) => mapping !== undefined,
  );
}

/** Makes the tables of a definition where they do not exist, as a target's owner would have. */
export async function prepareTarget(target: TargetUrl, definition: SyncDefinition): Promise<void> {
  try {
    await createTables(sqlConnector.parseSettings({ url: target.url }), definition);
  } catch (error) {
    throw new PosternError(
      "target-unreachable",
      `${target.shown}: cannot create the tables of '${definition.id}': ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** How many rows each mapped table has. */
export async function countRows(
  target: TargetUrl,
  definition: SyncDefinition,
): Promise<{ object: string; rows: number }[]> {
  const objects = mappings(definition).map(({ object }) => object);
  if (target.url.startsWith("sqlite:")) {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(target.url.slice("sqlite:".length), { readOnly: true });
    try {
      return objects.map((object) => ({
        object,
        rows: Number(
          database.prepare(`select count(*) as rows from "${object}"`).get()?.["rows"] ?? 0,
        ),
      }));
    } finally {
      database.close();
    }
  }
  const { Client } = await import("pg");
  const client = new Client({ connectionString: target.url });
  await client.connect();
  try {
    const counted: { object: string; rows: number }[] = [];
    for (const object of objects) {
      const result = await client.query<{ rows: string }>(
        `select count(*) as rows from "${object}"`,
      );
      counted.push({ object, rows: Number(result.rows[0]?.rows ?? 0) });
    }
    return counted;
  } finally {
    await client.end();
  }
}
