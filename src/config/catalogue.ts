import type { TSchema } from 'typebox'
import type { NotifierFacts } from '../core/notifications.ts'

/** What the configuration needs to know of the drivers; the registries have this shape, and app.ts hands them in. */
export interface DriverCatalogue {
  sources: readonly SourceFacts[]
  storages: readonly StorageFacts[]
  /** Compressions and encryptions; the compression `none` is always there. */
  filters: readonly FilterFacts[]
  /** Who can be told beside Slack; absent: nobody. */
  notifiers?: readonly NotifierFacts[]
}

export interface SourceFacts {
  kind: string
  name: string
  schemes: readonly string[]
  options: TSchema
  parseUrl(
    url: string,
  ): { mistake: string; hint: string } | { endpoint: string; database: string; secrets: string[] }
  /** Absent: a URL of this kind stands for one database alone. */
  at?(url: string, database: string): string
}

export interface StorageFacts {
  kind: string
  options: TSchema
  judge(options: Record<string, unknown>): { mistake: string; hint: string } | null
  readingCosts?: true
}

export interface FilterFacts {
  kind: string
  /** Absent: a compression. */
  role?: 'compression' | 'encryption'
  /** What may stand beside `type`. */
  options: TSchema
}

/** What may stand as `compression`. */
export function compressionsOf({ filters }: DriverCatalogue): readonly FilterFacts[] {
  return filters.filter(({ role }) => role !== 'encryption')
}
