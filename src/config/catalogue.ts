import type { TSchema } from 'typebox'
import type { NotifierFacts } from '../core/notifications.ts'
import type { Host } from '../core/tunnel.ts'

/** What the configuration needs to know of the drivers; the registries have this shape, and app.ts hands them in. */
export interface DriverCatalogue {
  sources: readonly SourceFacts[]
  storages: readonly StorageFacts[]
  /** Compressions and encryptions; the compression `none` is always there. */
  filters: readonly FilterFacts[]
  /** Who can be told beside Slack; absent: nobody. */
  notifiers?: readonly NotifierFacts[]
  /** Ways to servers that do not answer from here; absent: none. */
  tunnels?: readonly TunnelFacts[]
}

export interface SourceFacts {
  kind: string
  name: string
  schemes: readonly string[]
  options: TSchema
  parseUrl(
    url: string,
  ):
    | { mistake: string; hint: string }
    | { endpoint: string; database: string; secrets: string[]; hosts?: readonly Host[] }
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

export interface TunnelFacts {
  /** The key in `tunnel: { … }`. */
  kind: string
  options: TSchema
  /** @returns words for a mistake, and the keys that lead to it */
  judge(options: Record<string, unknown>): { mistake: string; hint: string; at?: readonly string[] } | null
}

/** What may stand as `compression`. */
export function compressionsOf({ filters }: DriverCatalogue): readonly FilterFacts[] {
  return filters.filter(({ role }) => role !== 'encryption')
}

/** The options that name a folder of this machine. */
export function foldersOf(schema: TSchema | undefined): string[] {
  const { properties = {} } = (schema ?? {}) as { properties?: Record<string, { folder?: true }> }
  return Object.keys(properties).filter((key) => properties[key]?.folder)
}
