/**
 * Walks JSON in UTF-8 without building anything from it, and without recursion: a text of any size, nested however
 * deep, costs time in proportion to its bytes and one byte of memory for each level.
 */
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_U = 0x75;
const FIRST_PRINTABLE = 0x20;

/** A flaw in the text. The scan cannot go on. */
export class JsonFlaw extends Error {
  override readonly name = "JsonFlaw";
  /** Offset in bytes. */
  readonly at: number;

  constructor(problem: string, at: number) {
    super(problem);
    this.at = at;
  }
}

/** What a value is like, found without building it. */
export interface Extent {
  /** First byte, and the byte after the last. */
  readonly start: number;
  readonly end: number;
  /** Levels of nesting; a scalar has none. */
  readonly depth: number;
  /** Values and keys in it. */
  readonly tokens: number;
}

interface SkipBounds {
  /** More levels than this are a flaw. */
  readonly depth: number;
  readonly tokens: number;
  /** Called with each key and its place; may throw. */
  readonly onKey?: (scan: JsonScan, start: number, level: number) => void;
  /** Called when an object begins. */
  readonly onObject?: (level: number) => void;
}

export class JsonScan {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  /** The next significant byte; undefined at the end. */
  peek(): number | undefined {
    const bytes = this.#bytes;
    let at = this.#at;
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte !== FIRST_PRINTABLE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    }
    this.#at = at;
    return bytes[at];
  }

  /** @throws JsonFlaw when something follows the value */
  end(): void {
    if (this.peek() !== undefined) this.fail("something follows the end of the document");
  }

  /**
   * Walks the members of an object. `onMember` gets each key and has to move past its value.
   *
   * @throws JsonFlaw
   */
  members(onMember: (key: string) => void): void {
    this.#expect(OPEN_OBJECT, "expected an object");
    if (this.#take(CLOSE_OBJECT)) return;
    do {
      onMember(this.key());
    } while (this.#take(COMMA));
    this.#expect(CLOSE_OBJECT, "expected ',' or '}'");
  }

  /**
   * Walks the elements of an array. `onElement` has to move past each.
   *
   * @throws JsonFlaw
   */
  elements(onElement: () => void): void {
    this.#expect(OPEN_ARRAY, "expected a list");
    if (this.#take(CLOSE_ARRAY)) return;
    do {
      this.peek();
      onElement();
    } while (this.#take(COMMA));
    this.#expect(CLOSE_ARRAY, "expected ',' or ']'");
  }

  isObject(): boolean {
    return this.peek() === OPEN_OBJECT;
  }

  isArray(): boolean {
    return this.peek() === OPEN_ARRAY;
  }

  /** A key and the colon after it; a key of more than a thousand bytes is given as "". */
  key(): string {
    if (this.peek() !== QUOTE) this.fail("expected a key in double quotes");
    const start = this.#at;
    this.#string();
    const key = this.#at - start > 1_000 ? "" : this.text(start, this.#at);
    this.#expect(COLON, "expected ':' after the key");
    return key;
  }

  /** The string between two offsets, its quotes included. */
  text(start: number, end: number): string {
    return JSON.parse(Buffer.from(this.#bytes.subarray(start, end)).toString("utf8")) as string;
  }

  /**
   * Moves past one value.
   *
   * @throws JsonFlaw where it is not JSON, or beyond a bound
   */
  skip(bounds: SkipBounds): Extent {
    this.peek();
    const start = this.#at;
    const open = new Levels();
    let deepest = 0;
    let tokens = 0;
    for (;;) {
      tokens += 1;
      if (tokens > bounds.tokens) this.fail(`more than ${bounds.tokens} values and keys`);
      const next = this.peek();
      if (next === OPEN_OBJECT || next === OPEN_ARRAY) {
        if (open.count >= bounds.depth) this.fail(`nested more than ${bounds.depth} levels deep`);
        this.#at += 1;
        const isObject = next === OPEN_OBJECT;
        open.push(isObject);
        if (open.count > deepest) deepest = open.count;
        if (isObject) bounds.onObject?.(open.count);
        if (!this.#take(isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
          if (isObject) tokens += this.#keyIn(bounds, open.count);
          continue;
        }
        open.pop();
      } else this.#scalar(next);
      // A value has ended: so may those around it.
      for (;;) {
        if (open.count === 0) return { start, end: this.#at, depth: deepest, tokens };
        const inObject = open.top;
        if (this.#take(COMMA)) {
          if (inObject) tokens += this.#keyIn(bounds, open.count);
          break;
        }
        this.#expect(
          inObject ? CLOSE_OBJECT : CLOSE_ARRAY,
          inObject ? "expected ',' or '}'" : "expected ',' or ']'",
        );
        open.pop();
      }
    }
  }

  fail(problem: string, at = this.#at): never {
    throw new JsonFlaw(problem, at);
  }

  #keyIn({ onKey }: SkipBounds, level: number): number {
    if (this.peek() !== QUOTE) this.fail("expected a key in double quotes");
    const start = this.#at;
    this.#string();
    onKey?.(this, start, level);
    this.#expect(COLON, "expected ':' after the key");
    return 1;
  }

  #scalar(next: number | undefined): void {
    if (next === QUOTE) return this.#string();
    if (next === MINUS || isDigit(next)) return this.#number();
    for (const word of WORDS) {
      if (next !== word[0]) continue;
      if (word.every((byte, index) => this.#bytes[this.#at + index] === byte)) {
        this.#at += word.length;
        return undefined;
      }
    }
    return this.fail("expected a value");
  }

  #string(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    const problem =
      "this string is not terminated, or contains a control character or an unknown escape";
    let at = start + 1;
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined || byte < FIRST_PRINTABLE) this.fail(problem, start);
      at += 1;
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) continue;
      const escaped = bytes[at];
      at += 1;
      if (escaped === LETTER_U) {
        for (let digit = 0; digit < 4; digit += 1, at += 1)
          if (!isHexDigit(bytes[at])) this.fail(problem, start);
      } else if (escaped === undefined || !ESCAPES.has(escaped)) this.fail(problem, start);
    }
    this.#at = at;
  }

  #number(): void {
    const start = this.#at;
    if (this.#bytes[this.#at] === MINUS) this.#at += 1;
    if (this.#bytes[this.#at] === ZERO) this.#at += 1;
    else this.#digits(start);
    if (this.#bytes[this.#at] === POINT) {
      this.#at += 1;
      this.#digits(start);
    }
    const exponent = this.#bytes[this.#at];
    if (exponent === 0x65 || exponent === 0x45) {
      this.#at += 1;
      const sign = this.#bytes[this.#at];
      if (sign === MINUS || sign === PLUS) this.#at += 1;
      this.#digits(start);
    }
  }

  #digits(start: number): void {
    const first = this.#at;
    while (isDigit(this.#bytes[this.#at])) this.#at += 1;
    if (this.#at === first) this.fail("expected a value", start);
  }

  #take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.#at += 1;
    return true;
  }

  #expect(byte: number, problem: string): void {
    if (!this.#take(byte)) this.fail(problem);
  }
}

const WORDS = ["true", "false", "null"].map((word) => [...Buffer.from(word, "latin1")]);
const ESCAPES = new Set(Buffer.from('"\\/bfnrt', "latin1"));

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

/** Which of the open levels are objects, a byte each. */
class Levels {
  #kinds = new Uint8Array(64);
  count = 0;

  get top(): boolean {
    return this.#kinds[this.count - 1] === 1;
  }

  push(isObject: boolean): void {
    if (this.count === this.#kinds.length) {
      const longer = new Uint8Array(this.count * 2);
      longer.set(this.#kinds);
      this.#kinds = longer;
    }
    this.#kinds[this.count] = isObject ? 1 : 0;
    this.count += 1;
  }

  pop(): void {
    this.count -= 1;
  }
}
