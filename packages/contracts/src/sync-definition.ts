import { z } from "zod";
import { DefinitionId, GroupName, TargetName } from "./words/ids";
import { limits } from "./words/limits";
import { TargetIdentifier } from "./messages/work-message";

/**
 * A CEL expression over the properties of the entity, for example `userPrincipalName`, `manager.id` or
 * `mail != null ? mail : userPrincipalName`. Properties that the source does not have are null.
 */
export const Expression = z.string().min(1).max(4_000);

export const ColumnType = z.enum(["text", "integer", "real", "boolean"]);
export type ColumnType = z.infer<typeof ColumnType>;

export const ColumnMapping = z.union([
  Expression.describe("CEL expression over the properties of the entity."),
  z.strictObject({
    from: Expression.describe("CEL expression over the properties of the entity."),
    type: ColumnType.optional().describe(
      "Type of the column if Postern creates the table (local platform only); text if absent.",
    ),
    breaker: z
      .boolean()
      .optional()
      .describe("A change from true to false counts as a delete for the breaker."),
  }),
]);
export type ColumnMapping = z.infer<typeof ColumnMapping>;

const columns = z
  .record(TargetIdentifier, ColumnMapping)
  .refine((all) => Object.keys(all).length <= limits.columns, {
    error: `at most ${limits.columns} columns`,
  });

export const EntityMapping = z.strictObject({
  object: TargetIdentifier.describe("Table, view, directory class or resource of the target."),
  scope: Expression.optional().describe(
    "CEL expression that selects the entities in scope. If absent, all are in scope. An entity that leaves the scope is deleted.",
  ),
  key: columns
    .refine((key) => Object.keys(key).length > 0, { error: "at least one key column" })
    .meta({
      description: "Key columns. They must identify the entity for its whole life.",
      minProperties: 1,
      maxProperties: limits.columns,
    }),
  columns: columns.default({}).meta({
    description: "The other columns and where their values come from. Absent or null becomes NULL.",
    maxProperties: limits.columns,
  }),
});
export type EntityMapping = z.infer<typeof EntityMapping>;

/**
 * When deletes and disables stop and wait for a person: released while count <= max(minimum, min(maximum, percent of
 * sent)).
 */
export const DeleteBreaker = z.strictObject({
  windowHours: z
    .int()
    .min(1)
    .max(24 * 30)
    .default(24)
    .describe("Hours over which deletes and disables are counted."),
  minimum: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(5)
    .describe("This many are always allowed, however few entities there are."),
  maximum: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(500)
    .describe("More than this many are held, however many entities there are."),
  percent: z
    .number()
    .min(0)
    .max(100)
    .default(10)
    .describe("Percent of the entities ever sent that may be deleted before the rest is held."),
});
export type DeleteBreaker = z.infer<typeof DeleteBreaker>;

/** A sync definition as its YAML document says it. */
export const SyncDefinition = z
  .strictObject({
    id: DefinitionId.describe("Name of the definition. It never changes."),
    description: z
      .string()
      .max(500)
      .optional()
      .describe("Description for people; Postern ignores it."),
    enabled: z.boolean().default(true).describe("Whether Microsoft Graph is polled for changes."),
    group: GroupName.describe("Worker group whose agents reach the target."),
    target: TargetName.describe("Name of the target in the settings of the agents."),
    users: EntityMapping.optional().describe(
      "Where users are written. If absent, they are not synchronised.",
    ),
    groups: EntityMapping.optional().describe(
      "Where groups are written. If absent, they are not synchronised.",
    ),
    memberships: EntityMapping.optional().describe(
      "Where direct memberships are written, with members of any type. If absent, they are not synchronised.",
    ),
    deletes: DeleteBreaker.prefault({}).describe(
      "When deletes are held until a person approves them.",
    ),
  })
  .refine((definition) => definition.users ?? definition.groups ?? definition.memberships, {
    error: "at least one of users, groups, memberships must be mapped",
  });
export type SyncDefinition = z.infer<typeof SyncDefinition>;
