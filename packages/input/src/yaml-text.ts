/**
 * Reads YAML within bounds. The parser is fed token by token, so that depth, tokens and aliases are counted while it
 * reads, before a document is composed; composing one that is deep, wide or full of aliases is what costs time and
 * memory.
 */
import { clip, limits } from "@postern/contracts";
import { Composer, CST, type Document, isScalar, Lexer, Parser, visit } from "yaml";
import { type TextBounds, yamlBounds } from "./bounds";
import { flawAt, type Reading } from "./flaw";

/** Each alias repeats what it stands for; a definition needs a few at most. */
const MAX_ALIASES = 50;

/** Each is looked up in the whole document: without a limit, the time grows with the square of its size. */
const MAX_ALIASES_WRITTEN = 1_000;

const TOO_MANY_ALIASES = "too many aliases";

/** Undefined: the document is empty. */
export type YamlReading = Reading | undefined;

/**
 * The one document of a text, as JSON could say it: the core schema, no merge keys, no key twice, no `__proto__`.
 */
export function readYaml(text: string, bounds: TextBounds = yamlBounds): YamlReading {
  try {
    return valueOf(text, documentOf(text, bounds), bounds);
  } catch (error) {
    if (!(error instanceof YamlFlaw)) throw error;
    return { ok: false, flaw: flawAt(text, error.message, error.at) };
  }
}

class YamlFlaw extends Error {
  readonly at: number;

  constructor(problem: string, at: number) {
    super(problem);
    this.at = at;
  }
}

/**
 * Without the parser's own line numbers and search for duplicate keys: both take time in the square of the text's
 * size.
 */
function documentOf(text: string, bounds: TextBounds): Document.Parsed {
  const composer = new Composer({
    schema: "core",
    merge: false,
    prettyErrors: false,
    uniqueKeys: false,
  });
  let found: Document.Parsed | undefined;
  for (const document of composer.compose(tokens(text, bounds), true, text.length)) {
    const [error] = document.errors;
    if (error !== undefined)
      throw new YamlFlaw(clip(error.message, limits.loggedReasonChars), error.pos[0]);
    if (found !== undefined)
      throw new YamlFlaw("Source contains multiple documents", document.range[0]);
    found = document;
  }
  if (found === undefined) throw new YamlFlaw("there is no document", 0);
  return found;
}

function* tokens(text: string, bounds: TextBounds): Generator<CST.Token> {
  const lexer = new Lexer();
  const parser = new Parser();
  let count = 0;
  let aliases = 0;
  let brackets = 0;
  for (const lexeme of lexer.lex(text)) {
    const at = parser.offset;
    count += 1;
    if (count > bounds.tokens) throw new YamlFlaw(`more than ${bounds.tokens} tokens`, at);
    const type = CST.tokenType(lexeme);
    if (type === "flow-map-start" || type === "flow-seq-start") brackets += 1;
    if (type === "flow-map-end" || type === "flow-seq-end") {
      brackets -= 1;
      // Each further one would be an error of its own, and errors take longest.
      if (brackets < 0) throw new YamlFlaw("a bracket closes nothing", at);
    }
    if (type === "alias") {
      aliases += 1;
      if (aliases > MAX_ALIASES_WRITTEN) throw new YamlFlaw(TOO_MANY_ALIASES, at);
    }
    yield* parser.next(lexeme);
    // The stack holds the document, the collections around this place, and at most one scalar.
    if (parser.stack.length > bounds.depth + 2)
      throw new YamlFlaw(`nested more than ${bounds.depth} levels deep`, at);
  }
  yield* parser.end();
}

function valueOf(text: string, document: Document.Parsed, { depth }: TextBounds): YamlReading {
  const twice = duplicateKey(document);
  if (twice !== undefined) throw new YamlFlaw("Map keys must be unique", twice);
  if (document.contents === null) return undefined;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    if (cause instanceof ReferenceError) {
      const unresolved = cause.message.startsWith("Unresolved alias");
      throw new YamlFlaw(unresolved ? "an alias stands before its anchor" : TOO_MANY_ALIASES, 0);
    }
    throw cause;
  }
  const problem = treeProblem(value, depth);
  if (problem !== undefined) return { ok: false, flaw: flawAt(text, problem, 0) };
  return { ok: true, value };
}

/** Offset of the first key that occurs twice in its map. Keys that are not scalars never count as equal. */
function duplicateKey(document: Document): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          offset = key.range?.[0] ?? 0;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return offset;
}

/** Aliases add depth that the text does not show. */
function treeProblem(root: unknown, maxDepth: number): string | undefined {
  const walk = (value: unknown, depth: number): string | undefined => {
    if (typeof value !== "object" || value === null) return undefined;
    if (depth >= maxDepth) return `nested more than ${maxDepth} levels deep`;
    for (const [key, inner] of Object.entries(value)) {
      if (key === "__proto__") return "the key '__proto__' is not allowed";
      const problem = walk(inner, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return walk(root, 0);
}
