/** One seed, any number of independent streams of numbers: what one part draws never shifts what another gets. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  readonly #seed: number;

  constructor(seed: number, label = "") {
    this.#seed = seed;
    let hash = 0x811c9dc5 ^ seed;
    for (let index = 0; index < label.length; index += 1) {
      hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193);
    }
    this.#a = hash >>> 0;
    this.#b = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    this.#c = (Math.imul(hash ^ (seed << 7), 0xc2b2ae35) ^ Math.floor(seed / 2 ** 32)) >>> 0;
    for (let round = 0; round < 12; round += 1) this.next();
  }

  fork(label: string): SeededRandom {
    return new SeededRandom(this.#seed, label);
  }

  /** At least 0, less than 1 (sfc32). */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / 4_294_967_296;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.next() * list.length)];
    if (found === undefined) throw new RangeError("nothing to pick from");
    return found;
  }

  shuffle<T>(list: T[]): T[] {
    for (let index = list.length - 1; index > 0; index -= 1) {
      const other = Math.floor(this.next() * (index + 1));
      const kept = list[index] as T;
      list[index] = list[other] as T;
      list[other] = kept;
    }
    return list;
  }

  uuid(): string {
    const hex = (): string =>
      Math.floor(this.next() * 4_294_967_296)
        .toString(16)
        .padStart(8, "0");
    const [a, b, c, d] = [hex(), hex(), hex(), hex()];
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`;
  }
}
