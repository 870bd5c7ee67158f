/** Delivers what people do to the app and waits for its acknowledgement: Socket Mode, or signed HTTP requests. */
import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Misbehaviours } from './misbehaviour.ts'
import type { Settings } from './house.ts'
import type { SocketMode } from './socket-mode.ts'
import type { Json } from './validate/rules.ts'
import { isObject } from './validate/rules.ts'
import type { Workspace } from './workspace.ts'

export interface Delivery {
  type: 'slash_commands' | 'interactive' | 'events_api'
  /** Command name, action id, callback id or event type: what the ack log shows. */
  subject: string
  payload: Json
  retry?: { attempt: number; reason: string }
}

/** `dispatch_failed`: the app was not there; `operation_timeout`: it did not acknowledge within 3 s. */
export type Outcome =
  | { ok: true; response: Json; tookMs: number }
  | { ok: false; error: 'dispatch_failed' | 'operation_timeout'; tookMs: number }

interface Parts {
  settings: Settings
  workspace: Workspace
  socket: SocketMode
  misbehaviours: Misbehaviours
}

const eventRetryMs = [0, 60_000, 300_000]

export class Gateway {
  /** When set, requests go there, signed; else over Socket Mode. */
  requestUrl: string | null = null
  readonly #parts: Parts
  readonly #waiting = new Map<string, (payload: unknown) => void>()
  readonly #retries = new Set<NodeJS.Timeout>()

  constructor(parts: Parts) {
    this.#parts = parts
    parts.socket.onAck = (envelopeId, payload) => this.#waiting.get(envelopeId)?.(payload)
  }

  async deliver(delivery: Delivery): Promise<Outcome> {
    const fault = this.#parts.misbehaviours.next(delivery.type)
    if (fault?.kind === 'late-delivery') await sleep(fault.delayMs ?? 1000)
    if (fault?.kind === 'lose') return { ok: false, error: 'dispatch_failed', tookMs: 0 }
    if (fault?.kind === 'redeliver') return this.#redeliver(delivery)
    const outcome = this.#send(delivery)
    if (fault?.kind === 'drop-after-ack') void outcome.then(() => this.#parts.socket.drop())
    if (fault?.kind === 'duplicate-envelopes') void this.#send(delivery)
    if (fault?.kind === 'drop-socket') setImmediate(() => this.#parts.socket.drop())
    return outcome
  }

  /** The acknowledgement is lost with its connection; the same thing comes again over the next. */
  async #redeliver(delivery: Delivery): Promise<Outcome> {
    const { socket } = this.#parts
    void this.#send(delivery)
    setImmediate(() => socket.drop())
    for (let looks = 0; looks < 200; looks++) {
      await sleep(25)
      if (looks > 1 && socket.connections > 0) break
    }
    return this.#send(delivery)
  }

  /** Events are retried three times when nobody acknowledged them. */
  async deliverEvent(delivery: Delivery, attempt = 0): Promise<void> {
    const retry = attempt === 0 ? {} : { retry: { attempt, reason: 'timeout' } }
    const outcome = await this.deliver({ ...delivery, ...retry })
    const wait = eventRetryMs[attempt]
    if (outcome.ok || wait === undefined) return
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      void this.deliverEvent(delivery, attempt + 1)
    }, wait)
    timer.unref()
    this.#retries.add(timer)
  }

  close(): void {
    for (const timer of this.#retries) clearTimeout(timer)
  }

  async #send(delivery: Delivery): Promise<Outcome> {
    const began = performance.now()
    const envelopeId = randomUUID()
    const result = await (this.requestUrl === null
      ? this.#overSocket(delivery, envelopeId)
      : this.#overHttp(delivery, this.requestUrl))
    const tookMs = performance.now() - began
    const late = result === 'operation_timeout'
    if (result === 'dispatch_failed') return { ok: false, error: result, tookMs }
    const ack = { type: delivery.type, envelopeId, subject: delivery.subject, tookMs, late, payload: result }
    this.#parts.workspace.acks.push(ack)
    this.#parts.workspace.announce({ kind: 'ack', ack })
    return late
      ? { ok: false, error: 'operation_timeout', tookMs }
      : { ok: true, response: isObject(result) ? result : {}, tookMs }
  }

  #overSocket(delivery: Delivery, envelopeId: string): Promise<unknown> {
    const { type, payload, retry } = delivery
    const envelope = {
      envelope_id: envelopeId,
      payload,
      type,
      accepts_response_payload: type !== 'events_api',
      ...(type === 'events_api'
        ? { retry_attempt: retry?.attempt ?? 0, retry_reason: retry?.reason ?? '' }
        : {}),
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => done('operation_timeout'), this.#parts.settings.ackMs)
      const done = (result: unknown): void => {
        clearTimeout(timer)
        this.#waiting.delete(envelopeId)
        resolve(result)
      }
      this.#waiting.set(envelopeId, done)
      if (!this.#parts.socket.send(envelope)) done('dispatch_failed')
    })
  }

  async #overHttp(delivery: Delivery, requestUrl: string): Promise<unknown> {
    const body = httpBody(delivery)
    const stamp = Math.floor(Date.now() / 1000)
    const digest = createHmac('sha256', this.#parts.settings.tokens.signingSecret)
      .update(`v0:${stamp}:${body}`)
      .digest('hex')
    try {
      const response = await fetch(requestUrl, {
        method: 'POST',
        body,
        headers: {
          'content-type':
            delivery.type === 'events_api' ? 'application/json' : 'application/x-www-form-urlencoded',
          'x-slack-request-timestamp': String(stamp),
          'x-slack-signature': `v0=${digest}`,
          ...(delivery.retry === undefined
            ? {}
            : {
                'x-slack-retry-num': String(delivery.retry.attempt),
                'x-slack-retry-reason': 'http_timeout',
              }),
        },
        signal: AbortSignal.timeout(this.#parts.settings.ackMs),
      })
      return response.ok ? readAck(await response.text()) : 'dispatch_failed'
    } catch (error) {
      return (error as Error).name === 'TimeoutError' ? 'operation_timeout' : 'dispatch_failed'
    }
  }
}

function httpBody(delivery: Delivery): string {
  if (delivery.type === 'events_api') return JSON.stringify(delivery.payload)
  if (delivery.type === 'interactive')
    return new URLSearchParams({ payload: JSON.stringify(delivery.payload) }).toString()
  return new URLSearchParams(delivery.payload as Record<string, string>).toString()
}

function readAck(text: string): Json {
  if (text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : { text }
  } catch {
    return { text }
  }
}
