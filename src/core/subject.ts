/** What a run or a backup is about, as people read it: the strategy, and of a whole server the database. */
export function subjectOf({ strategy, database }: { strategy: string; database?: string }): string {
  return database === undefined ? strategy : `${strategy}/${database}`
}
