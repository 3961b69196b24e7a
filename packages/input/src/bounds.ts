/** Bounds on a text, checked before anything is built from it. */
export interface TextBounds {
  /** Levels of nesting; a scalar has none. */
  readonly depth: number;
  /** Values and keys of JSON; lexical tokens of YAML, white space and comments included. */
  readonly tokens: number;
}

/** Deeper than any schema of Postern; protects the code that walks the value later. */
export const maxDepth = 32;

/** A job with 100 entities has 500 tokens, a page of 200 agents some 20,000. */
export const jsonBounds: TextBounds = { depth: maxDepth, tokens: 100_000 };

/** A definition of three sections with 200 columns each has some 20,000 tokens. */
export const yamlBounds: TextBounds = { depth: maxDepth, tokens: 40_000 };
