/** The tenant to start with: users and groups as Graph returns them, checked as a whole before anything is started. */
import { JsonFileError, readJsonFile } from "@postern/emulator-kit";
import { z } from "zod";
import { hasKind, resourceTypes, type CollectionName } from "./engine/property-catalog";

const Id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be an object id: letters, digits, '-', '.' and '_'");

const Reference = z.looseObject({ id: Id, "@odata.type": z.string().min(1).max(200).optional() });

function checkTypes(collection: CollectionName) {
  const { properties } = resourceTypes[collection];
  return (resource: Record<string, unknown>, context: z.RefinementCtx): void => {
    for (const [name, value] of Object.entries(resource)) {
      const property = properties.get(name);
      if (
        property === undefined ||
        value === null ||
        value === undefined ||
        hasKind(property.kind, value)
      )
        continue;
      context.addIssue({
        code: "custom",
        path: [name],
        message: `must be ${words[property.kind]} or null`,
        input: value,
      });
    }
  };
}

const words = {
  string: "a string",
  boolean: "true or false",
  strings: "an array of strings",
  object: "an object",
  objects: "an array of objects",
} as const;

const SeedUser = z
  .looseObject({ id: Id, manager: Reference.nullish() })
  .superRefine(checkTypes("users"));
const SeedGroup = z
  .looseObject({ id: Id, members: z.array(Reference).nullish() })
  .superRefine(checkTypes("groups"));

/** Reports ids, names and members that occur twice. */
function checkUnique(
  tenant: { users: z.infer<typeof SeedUser>[]; groups: z.infer<typeof SeedGroup>[] },
  context: z.RefinementCtx,
): void {
  type Path = (string | number)[];
  const ids = new Map<string, Path>();
  const names = new Map<string, Path>();
  const unique = (seen: Map<string, Path>, value: string, path: Path, what: string): void => {
    const key = value.toLowerCase();
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, path);
      return;
    }
    const message = `the same ${what} '${value}' is at ${z.core.toDotPath(earlier)}`;
    context.addIssue({ code: "custom", path, message, input: value });
  };
  tenant.users.forEach((user, index) => {
    unique(ids, user.id, ["users", index, "id"], "id");
    const name = user["userPrincipalName"];
    if (typeof name !== "string" || name === "") return;
    unique(names, name, ["users", index, "userPrincipalName"], "userPrincipalName");
  });
  tenant.groups.forEach((group, index) => {
    unique(ids, group.id, ["groups", index, "id"], "id");
    const members = new Map<string, Path>();
    group.members?.forEach((member, at) => {
      unique(members, member.id, ["groups", index, "members", at, "id"], "member");
    });
  });
}

/** Users and groups to start with: Graph v1.0 resources; unknown properties are kept. */
export const Tenant = z
  .strictObject({ users: z.array(SeedUser), groups: z.array(SeedGroup) })
  .superRefine(checkUnique);
export type Tenant = z.infer<typeof Tenant>;
export type TenantInput = z.input<typeof Tenant>;

/** A tenant cannot be used; the message names the place. */
export class TenantError extends Error {
  readonly code = "tenant-invalid";
  constructor(source: string, problem: string, options?: ErrorOptions) {
    super(`${source} is not a usable tenant: ${problem}`, options);
    this.name = "TenantError";
  }
}

const MAX_PROBLEMS = 20;

/** Values that were checked before are not checked again: for a large tenant that saves half a second. */
const checked = new WeakSet<object>();

function isChecked(value: unknown): value is Tenant {
  return typeof value === "object" && value !== null && checked.has(value);
}

/**
 * Checks a tenant.
 *
 * @throws TenantError, naming `source` and the place
 */
export function parseTenant(source: string, value: unknown): Tenant {
  if (isChecked(value)) return value;
  const parsed = Tenant.safeParse(value);
  if (parsed.success) {
    checked.add(parsed.data);
    return parsed.data;
  }
  const { issues } = parsed.error;
  const lines = issues.slice(0, MAX_PROBLEMS).map(({ path, message }) => {
    const place = path.length === 0 ? "the top level" : z.core.toDotPath(path);
    return `  ${place}: ${message}`;
  });
  if (issues.length > MAX_PROBLEMS) lines.push(`  and ${issues.length - MAX_PROBLEMS} more`);
  throw new TenantError(source, `\n${lines.join("\n")}`);
}

/**
 * Reads and checks a tenant file.
 *
 * @throws TenantError, naming the file and the place
 */
export function readTenant(file: string): Tenant {
  let value: unknown;
  try {
    value = readJsonFile(file);
  } catch (error) {
    if (!(error instanceof JsonFileError)) throw error;
    throw new TenantError(file, error.message, { cause: error });
  }
  return parseTenant(file, value);
}
