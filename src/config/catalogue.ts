import type { TSchema } from 'typebox'

/** What the configuration needs to know of the drivers; the registries have this shape, and app.ts hands them in. */
export interface DriverCatalogue {
  sources: readonly SourceFacts[]
  storages: readonly StorageFacts[]
  /** Compressions; `none` is always there. */
  filters: readonly FilterFacts[]
}

export interface SourceFacts {
  kind: string
  name: string
  schemes: readonly string[]
  options: TSchema
  parseUrl(
    url: string,
  ): { mistake: string; hint: string } | { endpoint: string; database: string; secrets: string[] }
}

export interface StorageFacts {
  kind: string
  options: TSchema
  judge(options: Record<string, unknown>): { mistake: string; hint: string } | null
}

export interface FilterFacts {
  kind: string
  /** What may stand beside `type`. */
  options: TSchema
}
