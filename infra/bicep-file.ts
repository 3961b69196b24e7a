import { readFileSync } from "node:fs";
import path from "node:path";
import { Language, type Node, Parser } from "web-tree-sitter";

/**
 * A Bicep file as a syntax tree, and what it reveals without a compiler: names, references, modules, resources. It
 * knows neither the types of resources nor what Azure accepts.
 */
export interface BicepFile {
  readonly file: string;
  readonly problems: readonly string[];
  /** Parameters, variables, resources, modules and types, which expressions may name. */
  readonly declared: ReadonlyMap<string, Declaration>;
  readonly declarations: readonly Declaration[];
  readonly outputs: readonly { readonly name: string; readonly text: string }[];
  /** Names in expressions that no declaration in scope defines. */
  readonly unresolved: readonly string[];
  readonly unused: readonly string[];
  /** Names of the functions called, including decorators. */
  readonly calls: ReadonlySet<string>;
}

export interface Declaration {
  readonly kind: "parameter" | "variable" | "resource" | "module" | "type";
  readonly name: string;
  readonly node: Node;
  /** Of a resource: `type@version`; of a module: its path. */
  readonly source: string;
  /** Of a resource: it refers to one that is declared elsewhere. */
  readonly existing: boolean;
  /** Of a parameter: it needs a value. */
  readonly required: boolean;
}

const KINDS: Readonly<Record<string, Declaration["kind"]>> = {
  parameter_declaration: "parameter",
  variable_declaration: "variable",
  resource_declaration: "resource",
  module_declaration: "module",
  type_declaration: "type",
};

let ready: Promise<Parser> | undefined;

async function openParser(): Promise<Parser> {
  ready ??= (async () => {
    await Parser.init();
    const grammar = require.resolve("tree-sitter-bicep/tree-sitter-bicep.wasm");
    const parser = new Parser();
    parser.setLanguage(await Language.load(readFileSync(grammar)));
    return parser;
  })();
  return ready;
}

export async function readBicep(file: string): Promise<BicepFile> {
  return parseBicep(file, readFileSync(file, "utf8"));
}

/** For parameter files: the grammar does not support `param name = value` yet, but parses `var name = value` alike. */
export async function readBicepParameters(file: string): Promise<BicepFile> {
  return parseBicep(file, readFileSync(file, "utf8").replace(/^param /gm, "var "));
}

export async function parseBicep(file: string, text: string): Promise<BicepFile> {
  const parser = await openParser();
  const tree = parser.parse(text);
  if (!tree) throw new Error(`${file} cannot be parsed`);
  const nodes = [...descendants(tree.rootNode)];
  const name = path.basename(file);
  const problems = nodes
    .filter((node) => node.isError || node.isMissing)
    .map((node) => `${name}:${node.startPosition.row + 1}: ${node.text.slice(0, 60)}`);
  const declarations = nodes.flatMap(declarationOf);
  const declared = new Map(declarations.map((each) => [each.name, each]));
  const references = nodes.filter(isReference);
  const scoped = (node: Node): boolean =>
    declared.has(node.text) || localNames(node).has(node.text);
  const used = new Set(references.map((node) => node.text));
  return {
    file,
    problems,
    declared,
    declarations,
    outputs: nodes
      .filter((node) => node.type === "output_declaration")
      .map((node) => ({ name: firstNamed(node)?.text ?? "", text: node.text })),
    unresolved: references.filter((node) => !scoped(node)).map((node) => node.text),
    unused: declarations
      .filter(({ kind }) => kind === "parameter" || kind === "variable")
      .map((each) => each.name)
      .filter((each) => !used.has(each)),
    calls: new Set(
      nodes
        .filter((node) => node.type === "call_expression")
        .map((node) => node.childForFieldName("function")?.text ?? ""),
    ),
  };
}

/** Value nodes of the properties of `node`'s own object, by name. */
export function propertiesOf(node: Node): Map<string, Node> {
  const object = [...descendants(node)].find((each) => each.type === "object");
  const found = new Map<string, Node>();
  for (const property of object?.namedChildren ?? []) {
    const [key, value] = property?.type === "object_property" ? property.namedChildren : [];
    if (key && value) found.set(key.text, value);
  }
  return found;
}

export function* descendants(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) if (child) yield* descendants(child);
}

function firstNamed(node: Node): Node | undefined {
  return node.namedChildren.find((child) => child?.type === "identifier") ?? undefined;
}

function declarationOf(node: Node): Declaration[] {
  const kind = KINDS[node.type];
  const name = firstNamed(node);
  if (kind === undefined || !name) return [];
  const literal = node.namedChildren.find((child) => child?.type === "string");
  const nullable = [...descendants(node)].some((each) => each.type === "nullable_type");
  return [
    {
      kind,
      name: name.text,
      node,
      source: literal?.text.replaceAll("'", "") ?? "",
      existing: node.children.some(
        (child) => child?.type === "existing" || child?.text === "existing",
      ),
      required: kind === "parameter" && !nullable && !/=/.test(node.text),
    },
  ];
}

/** Whether an identifier is used in an expression, rather than being a declared name, a key, a function or a local. */
function isReference(node: Node): boolean {
  if (node.type !== "identifier") return false;
  const { parent } = node;
  if (!parent) return false;
  if (parent.type in KINDS || parent.type === "output_declaration") {
    return parent.namedChildren.find((child) => child?.type === "identifier")?.id !== node.id;
  }
  if (parent.type === "object_property") return parent.namedChildren[0]?.id !== node.id;
  if (parent.type === "call_expression")
    return parent.childForFieldName("function")?.id !== node.id;
  if (["type", "primitive_type", "loop_variable", "loop_enumerator"].includes(parent.type))
    return false;
  if (parent.type === "for_statement")
    return parent.childForFieldName("initializer")?.id !== node.id;
  if (parent.type === "lambda_expression") return parent.namedChildren[0]?.id !== node.id;
  return true;
}

/** Loop variables and lambda parameters that are in scope at a node. */
function localNames(node: Node): Set<string> {
  const names = new Set<string>();
  for (let at = node.parent; at; at = at.parent) {
    if (at.type === "for_statement") {
      const single = at.childForFieldName("initializer");
      if (single) names.add(single.text);
      for (const child of descendants(at)) {
        if (child.type === "loop_variable" || child.type === "loop_enumerator")
          names.add(child.text);
      }
    }
    if (at.type === "call_expression") {
      for (const child of descendants(at)) {
        const parameter = child.type === "lambda_expression" ? child.namedChildren[0] : undefined;
        if (parameter) names.add(parameter.text);
      }
    }
  }
  return names;
}
