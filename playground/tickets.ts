/** The short-lived rights that interactions carry: trigger ids (one dialog, within 3 s) and response URLs (5 posts, 30 min). */
import { randomBytes } from 'node:crypto'
import { limits } from './limits.ts'
import type { PlaygroundClock } from './model.ts'
import { Refusal } from './refusal.ts'

export interface ResponseTarget {
  channel: string
  user: string
  threadTs?: string
  /** The message the interaction came from. */
  originTs?: string
}

export class Tickets {
  readonly #clock: PlaygroundClock
  readonly #triggers = new Map<string, { user: string; at: number; spent: boolean }>()
  readonly #urls = new Map<string, { target: ResponseTarget; at: number; uses: number }>()

  constructor(clock: PlaygroundClock) {
    this.#clock = clock
  }

  trigger(user: string): string {
    const id = `${Date.now()}.${this.#triggers.size + 1}.${randomBytes(16).toString('hex')}`
    this.#triggers.set(id, { user, at: this.#clock.now(), spent: false })
    return id
  }

  /** @returns the person who clicked */
  spendTrigger(id: string): string {
    const trigger = this.#triggers.get(id)
    if (trigger === undefined) throw new Refusal('invalid_trigger_id')
    if (trigger.spent) throw new Refusal('exchanged_trigger_id')
    if (this.#clock.now() - trigger.at > limits.triggerMs) throw new Refusal('expired_trigger_id')
    trigger.spent = true
    return trigger.user
  }

  /** @returns the path under which the app may answer */
  responsePath(target: ResponseTarget): string {
    const secret = randomBytes(12).toString('hex')
    this.#urls.set(secret, { target, at: this.#clock.now(), uses: 0 })
    return `/response/${secret}`
  }

  useResponse(secret: string): ResponseTarget {
    const url = this.#urls.get(secret)
    if (url === undefined || this.#clock.now() - url.at > limits.responseUrl.ttlMs)
      throw new Refusal('expired_url')
    if (url.uses >= limits.responseUrl.uses) throw new Refusal('used_url')
    url.uses += 1
    return url.target
  }
}
