import type { Right, Verb } from "../topology";

/** Who may do what, as role assignments say it: nobody may do anything that none of them gives. */
export class Rights {
  readonly #rights: readonly Right[];

  constructor(rights: readonly Right[]) {
    this.#rights = rights;
  }

  /**
   * @param principals the ids by which the caller is known
   * @param secret undefined for what concerns the whole vault
   */
  allow(principals: readonly string[], verb: Verb, secret: string | undefined): boolean {
    return this.#rights.some(
      (right) =>
        principals.includes(right.principal) &&
        right.verbs.includes(verb) &&
        (right.secret === "*" || right.secret.toLowerCase() === secret?.toLowerCase()),
    );
  }
}
