import type { Clock } from '../core/clock.ts'

/** How fast we may speak. Slack: one post a second per channel, 50 edits a minute in the whole workspace. What is refilled in a
 * minute and a burst together stay below that in every minute, with room for calls that the network delays. */
export const rates = {
  postsPerMinute: 54,
  postBurst: 4,
  editsPerMinute: 42,
  editBurst: 5,
  /** Of these, what progress may use (36 with its burst); the rest is kept for changes of state. */
  progressPerMinute: 32,
  progressBurst: 4,
  progressIntervalMs: 5000,
} as const

export type Method = 'chat.postMessage' | 'chat.update'

export interface Call {
  method: Method
  channel: string
  /** Key of a progress message that is still moving; null for everything that must be told. */
  progress: string | null
}

export interface Pace {
  /** Milliseconds until this call may be made; 0 = now, and then it counts as made. */
  waitFor(call: Call): number
  /** Slack said 429: that method rests, nothing else does. */
  rest(method: Method, ms: number): void
  /** This message's progress has ended. */
  forget(key: string): void
}

export function createPace(clock: Clock): Pace {
  const posts = new Map<string, Bucket>()
  const edits = bucket(clock, { size: rates.editBurst, perMs: rates.editsPerMinute / 60_000 })
  const progressEdits = bucket(clock, {
    size: rates.progressBurst,
    perMs: rates.progressPerMinute / 60_000,
  })
  const resting = new Map<Method, number>()
  const moving = new Map<string, { last: number; interval: number }>()

  function postsTo(channel: string): Bucket {
    const known =
      posts.get(channel) ?? bucket(clock, { size: rates.postBurst, perMs: rates.postsPerMinute / 60_000 })
    posts.set(channel, known)
    return known
  }

  function untilProgress(key: string): number {
    const before = moving.get(key)
    return before === undefined ? 0 : before.last + before.interval - clock.monotonic()
  }

  function moved(key: string): void {
    const now = clock.monotonic()
    for (const [other, { last }] of moving) if (now - last > staleMs) moving.delete(other)
    const share = ((moving.size + (moving.has(key) ? 0 : 1)) * 60_000) / rates.progressPerMinute
    const interval = Math.max(rates.progressIntervalMs, share) * (1 + jitter * clock.random())
    moving.set(key, { last: now, interval })
  }

  return {
    waitFor({ method, channel, progress }) {
      const rest = (resting.get(method) ?? 0) - clock.monotonic()
      if (rest > 0) return rest
      if (method === 'chat.postMessage') return postsTo(channel).take()
      if (progress === null) return edits.take()
      const soon = Math.max(untilProgress(progress), progressEdits.wait(), edits.wait(keptForStates))
      if (soon > 0) return soon
      progressEdits.take()
      moved(progress)
      return edits.take()
    },
    rest: (method, ms) => void resting.set(method, clock.monotonic() + ms),
    forget: (key) => void moving.delete(key),
  }
}

const jitter = 0.2
const staleMs = 10 * 60_000
const keptForStates = 3

interface Bucket {
  /** Milliseconds until more than `keep` are left. */
  wait(keep?: number): number
  /** Takes one when there is one. @returns 0, or milliseconds to wait */
  take(): number
}

function bucket(clock: Clock, { size, perMs }: { size: number; perMs: number }): Bucket {
  let tokens = size
  let filledAt = clock.monotonic()

  function wait(keep = 0): number {
    const now = clock.monotonic()
    tokens = Math.min(size, tokens + (now - filledAt) * perMs)
    filledAt = now
    return tokens >= keep + 1 ? 0 : Math.ceil((keep + 1 - tokens) / perMs)
  }

  function take(): number {
    const ms = wait()
    if (ms === 0) tokens -= 1
    return ms
  }

  return { wait, take }
}
