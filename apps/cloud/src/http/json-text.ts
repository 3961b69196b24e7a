/**
 * Checks JSON text before it is parsed: where it breaks, how deep it goes, and whether a key appears twice or is
 * `__proto__`. `JSON.parse` names no reliable place, keeps the last of two equal keys (so that two readers of one
 * document may disagree), and has no depth limit. The value itself is then made by `JSON.parse`.
 */
import { clip, limits } from "@postern/contracts";

interface JsonFlaw {
  readonly problem: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** Deeper than any schema of the API; protects the code that walks the value later. */
export const maxJsonDepth = 32;

export type JsonReading =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly flaw: JsonFlaw };

export function readJson(text: string, maxDepth = maxJsonDepth): JsonReading {
  const scan = new JsonScan(text, maxDepth);
  try {
    scan.document();
  } catch (error) {
    if (error instanceof FlawFound) return { ok: false, flaw: flawAt(text, error) };
    throw error;
  }
  return { ok: true, value: JSON.parse(text) as unknown };
}

class FlawFound extends Error {
  readonly at: number;

  constructor(problem: string, at: number) {
    super(problem);
    this.at = at;
  }
}

function flawAt(text: string, { message, at }: FlawFound): JsonFlaw {
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { problem: message, line: before.split("\n").length, column: at - lineStart + 1 };
}

// Sticky: each matches exactly at the place where the scan stands. None can backtrack: every step is decided by one
// character.
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON forbids exactly these characters within a string
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const LITERAL = /true|false|null/y;

class JsonScan {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): void {
    this.#take(SPACE);
    if (this.#at === this.#text.length) this.#fail("there is no JSON here");
    this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) this.#fail("something follows the end of the document");
  }

  #value(depth: number): void {
    if (depth > this.#maxDepth) this.#fail(`nested more than ${this.#maxDepth} levels deep`);
    const next = this.#text[this.#at];
    if (next === "{") return this.#object(depth);
    if (next === "[") return this.#array(depth);
    if (next === '"') {
      if (this.#take(STRING) === undefined)
        this.#fail(
          "this string is not terminated, or contains a control character or an unknown escape",
        );
      return;
    }
    if ((this.#take(NUMBER) ?? this.#take(LITERAL)) === undefined) this.#fail("expected a value");
  }

  #object(depth: number): void {
    const seen = new Set<string>();
    this.#at += 1;
    this.#take(SPACE);
    if (this.#skip("}")) return;
    do {
      this.#take(SPACE);
      const start = this.#at;
      const key = this.#take(STRING);
      if (key === undefined) this.#fail("expected a key in double quotes");
      const name = JSON.parse(key) as string;
      if (seen.has(name))
        this.#fail(`the key '${clip(name, limits.quotedChars)}' appears twice`, start);
      if (name === "__proto__") this.#fail("the key '__proto__' is not allowed", start);
      seen.add(name);
      this.#take(SPACE);
      if (!this.#skip(":")) this.#fail("expected ':' after the key");
      this.#take(SPACE);
      this.#value(depth + 1);
      this.#take(SPACE);
    } while (this.#skip(","));
    if (!this.#skip("}")) this.#fail("expected ',' or '}'");
  }

  #array(depth: number): void {
    this.#at += 1;
    this.#take(SPACE);
    if (this.#skip("]")) return;
    do {
      this.#take(SPACE);
      this.#value(depth + 1);
      this.#take(SPACE);
    } while (this.#skip(","));
    if (!this.#skip("]")) this.#fail("expected ',' or ']'");
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #fail(problem: string, at = this.#at): never {
    throw new FlawFound(problem, at);
  }
}
