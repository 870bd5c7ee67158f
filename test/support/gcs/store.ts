/** What lies in the bucket of the stand-in. */
export interface Store {
  now: () => number
  objects: Map<string, Stored>
  sessions: Map<string, Session>
  generations: number
  pageKeys: number
  /** Until when the bucket's policy keeps what is stored, ms after storing; 0 = there is none. */
  retentionMs: number
  /** Bytes of a chunk that are kept, as Google may: a multiple of 256 KiB. Default all. */
  keepAtMost: number
}

export interface Stored {
  bytes: Buffer
  generation: number
  updated: number
}

export interface Session {
  name: string
  kept: Buffer
  ifGenerationMatch: string | null
  /** It became this object, or was ended. */
  end: Stored | 'cancelled' | null
}

export interface GcsRequest {
  method: string
  path: string
  query: URLSearchParams
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

export interface GcsAnswer {
  status: number
  headers?: Record<string, string>
  body?: Buffer | string
}

/** Refused as Google says it. */
export class Refusal extends Error {
  readonly status: number
  readonly reason: string
  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

export function json(value: unknown, status = 200): GcsAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

export function refuseUnmatched(store: Store, name: string, ifGenerationMatch: string | null): void {
  if (ifGenerationMatch === null) return
  const found = store.objects.get(name)?.generation ?? 0
  if (String(found) !== ifGenerationMatch)
    throw new Refusal(
      412,
      'conditionNotMet',
      'At least one of the pre-conditions you specified did not hold.',
    )
}
