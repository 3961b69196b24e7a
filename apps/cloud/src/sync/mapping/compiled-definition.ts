import {
  type EntityMapping,
  type EntityType,
  type FieldProblem,
  PosternError,
  problemText,
  type StreamName,
  type SyncDefinition,
} from "@postern/contracts";
import {
  columnValue,
  compileExpression,
  type ColumnValue,
  type MappingExpression,
  type SourceProperties,
} from "./mapping-expression";
import { ExpressionBudget, expressionBounds } from "./expression-budget";
import { ExpressionFailure, ExpressionInvalid } from "./expression-errors";

/** A sync definition made ready: expressions compiled, streams and their `$select` derived. */
export interface CompiledDefinition {
  readonly definition: SyncDefinition;
  readonly mappings: Readonly<Partial<Record<EntityType, CompiledMapping>>>;
  /** Streams that have to be read. */
  readonly streams: readonly StreamName[];
  readonly select: Readonly<Record<StreamName, readonly string[]>>;
}

interface CompiledColumn {
  readonly name: string;
  readonly expression: MappingExpression;
}

export interface CompiledMapping {
  readonly type: EntityType;
  readonly object: string;
  readonly scope: MappingExpression | undefined;
  readonly key: readonly CompiledColumn[];
  readonly columns: readonly CompiledColumn[];
  /** Columns whose change from true to false the breaker counts. */
  readonly watched: readonly string[];
}

export interface MappedEntity {
  readonly key: Record<string, ColumnValue>;
  readonly values: Record<string, ColumnValue>;
}

/** One entity cannot be mapped. The message names the column and the problem, never a value. */
export class MappingFailure extends Error {
  override readonly name = "MappingFailure";
}

const sections = { users: "user", groups: "group", memberships: "membership" } as const;
/** What a membership's expressions can speak of. */
const membershipPaths = new Set([
  "group.id",
  "member.id",
  "member.type",
  "groupId",
  "memberId",
  "memberType",
]);

const compiled = new WeakMap<SyncDefinition, CompiledDefinition>();

/**
 * Compiles a definition, once per object.
 *
 * @throws PosternError `expression-invalid`; `details.problems` names section, column and problem of each
 */
export function compileDefinition(definition: SyncDefinition): CompiledDefinition {
  const known = compiled.get(definition);
  if (known !== undefined) return known;
  const made = compile(definition);
  compiled.set(definition, made);
  return made;
}

function compile(definition: SyncDefinition): CompiledDefinition {
  const problems: FieldProblem[] = [];
  const mappings: Partial<Record<EntityType, CompiledMapping>> = {};
  for (const section of ["users", "groups", "memberships"] as const) {
    const mapping = definition[section];
    if (mapping === undefined) continue;
    mappings[sections[section]] = compileMapping(section, mapping, problems);
  }
  if (problems.length === 0) problems.push(...tooMuch(Object.values(mappings)));
  if (problems.length > 0) {
    throw new PosternError("expression-invalid", problemText(problems), { details: { problems } });
  }
  return {
    definition,
    mappings,
    streams: [
      ...(mappings.user === undefined ? [] : (["users"] as const)),
      ...(mappings.group === undefined && mappings.membership === undefined
        ? []
        : (["groups"] as const)),
    ],
    select: {
      users: selectOf(mappings.user, []),
      groups: selectOf(mappings.group, mappings.membership === undefined ? [] : ["members"]),
    },
  };
}

/** Each expression is within its own bounds; there may be six hundred. */
function tooMuch(mappings: readonly CompiledMapping[]): FieldProblem[] {
  const all = mappings.flatMap(expressionsOf);
  const { nodesPerDefinition, patternSizePerDefinition } = expressionBounds;
  const problems: string[] = [];
  if (sum(all.map(({ nodes }) => nodes)) > nodesPerDefinition)
    problems.push(`the expressions have more than ${nodesPerDefinition} parts together`);
  if (sum(all.map(({ patternSize }) => patternSize)) > patternSizePerDefinition)
    problems.push(
      `the regular expressions compile to more than ${patternSizePerDefinition} steps together`,
    );
  return problems.map((problem) => ({ field: "$", problem, hint: "split the definition" }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

function selectOf(mapping: CompiledMapping | undefined, more: readonly string[]): string[] {
  const names = new Set<string>(["id"]);
  if (mapping !== undefined) {
    for (const expression of expressionsOf(mapping)) {
      for (const root of expression.roots) names.add(root);
    }
  }
  for (const name of more) names.add(name);
  return [...names];
}

function expressionsOf(mapping: CompiledMapping): MappingExpression[] {
  const all = [...mapping.key, ...mapping.columns].map(({ expression }) => expression);
  return mapping.scope === undefined ? all : [mapping.scope, ...all];
}

function compileMapping(
  section: keyof typeof sections,
  mapping: EntityMapping,
  problems: FieldProblem[],
): CompiledMapping {
  const compileAt = (field: string, text: string): MappingExpression | undefined => {
    try {
      const expression = compileExpression(text);
      const refused = refusedPath(section, expression);
      if (refused === undefined) return expression;
      problems.push({ field, ...refused });
    } catch (error) {
      if (!(error instanceof ExpressionInvalid)) throw error;
      problems.push({ field, problem: error.message });
    }
    return undefined;
  };
  const watched: string[] = [];
  const columnsOf = (part: "key" | "columns"): CompiledColumn[] =>
    Object.entries(mapping[part]).flatMap(([name, column]) => {
      const from = typeof column === "string" ? column : column.from;
      const expression = compileAt(`$.${section}.${part}.${name}`, from);
      // A column that maps the account's state as it is means a disable, even if the definition does not say so.
      const breaker = typeof column === "string" ? undefined : column.breaker;
      if (breaker ?? from.trim() === "accountEnabled") watched.push(name);
      return expression === undefined ? [] : [{ name, expression }];
    });
  const scope =
    mapping.scope === undefined ? undefined : compileAt(`$.${section}.scope`, mapping.scope);
  const key = columnsOf("key");
  const columns = columnsOf("columns");
  for (const { name } of key) {
    if (Object.hasOwn(mapping.columns, name)) {
      problems.push({
        field: `$.${section}.columns.${name}`,
        problem: "is already a key column",
        hint: "name it under key only",
      });
    }
  }
  return { type: sections[section], object: mapping.object, scope, key, columns, watched };
}

function refusedPath(
  section: keyof typeof sections,
  expression: MappingExpression,
): Pick<FieldProblem, "problem" | "hint"> | undefined {
  for (const path of expression.paths) {
    const text = path.join(".");
    if (section === "memberships") {
      if (!membershipPaths.has(text)) {
        return {
          problem: `a membership has no property '${text}'`,
          hint: "use group.id, member.id or member.type",
        };
      }
    } else if (section === "users" && path[0] === "manager" && text !== "manager.id") {
      return {
        problem: `'${text}' is not delivered with changes`,
        hint: "manager.id is the only known property of the manager",
      };
    } else if (section === "groups" && path[0] === "members") {
      return {
        problem: "members are not a property of the group here",
        hint: "map them under memberships",
      };
    }
  }
  return undefined;
}

/** Whether the entity is in scope. Anything but true is not, and an error counts as a failure of the mapping. */
export function isInScope(
  mapping: CompiledMapping,
  properties: SourceProperties,
  budget = new ExpressionBudget(),
): boolean {
  if (mapping.scope === undefined) return true;
  const result = inColumn("scope", () => mapping.scope?.evaluate(properties, budget));
  return result === true;
}

/**
 * @throws MappingFailure naming the column
 */
export function mapEntity(
  mapping: CompiledMapping,
  properties: SourceProperties,
  budget = new ExpressionBudget(),
): MappedEntity {
  const key: Record<string, ColumnValue> = {};
  for (const { name, expression } of mapping.key) {
    const value = inColumn(name, () => columnValue(expression.evaluate(properties, budget)));
    if (value === null) throw new MappingFailure(`key column '${name}': the value is null`);
    key[name] = value;
  }
  const values: Record<string, ColumnValue> = {};
  for (const { name, expression } of mapping.columns) {
    values[name] = inColumn(name, () => columnValue(expression.evaluate(properties, budget)));
  }
  return { key, values };
}

function inColumn<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpressionFailure)) throw error;
    throw new MappingFailure(
      name === "scope" ? `scope: ${error.message}` : `column '${name}': ${error.message}`,
    );
  }
}
