/** Message ids seen within the duplicate detection window. The window is constant, so the oldest entry is the first. */
export class DuplicateHistory {
  readonly #expiryById = new Map<string, number>();
  readonly #windowMs: number;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** When the oldest id may be forgotten; Infinity if there is none. */
  get nextExpiryMs(): number {
    for (const expiry of this.#expiryById.values()) return expiry;
    return Infinity;
  }

  has(messageId: string, nowMs: number): boolean {
    const expiry = this.#expiryById.get(messageId);
    return expiry !== undefined && expiry > nowMs;
  }

  /** Remembers an id and returns when it will be forgotten. */
  add(messageId: string, nowMs: number): number {
    const expiry = nowMs + this.#windowMs;
    this.restore(messageId, expiry);
    return expiry;
  }

  restore(messageId: string, expiresAtMs: number): void {
    this.#expiryById.delete(messageId);
    this.#expiryById.set(messageId, expiresAtMs);
  }

  /** Forgets what is older than the window; returns whether anything was. */
  forget(nowMs: number): boolean {
    let any = false;
    for (const [messageId, expiry] of this.#expiryById) {
      if (expiry > nowMs) break;
      this.#expiryById.delete(messageId);
      any = true;
    }
    return any;
  }
}
