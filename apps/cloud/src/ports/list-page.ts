/** Lists that a caller reads page by page. */
export interface ListOptions {
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after?: string | undefined;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  /** Id after which the next page begins; null at the end. */
  readonly next: string | null;
}
