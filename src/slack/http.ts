import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App, Receiver, ReceiverEvent } from '@slack/bolt'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'

/** Where Slack sends everything: commands, clicks, dialogs and events; the app's settings name it (manifest.yml). */
export const requestPath = '/slack/events'

export interface HttpReceiver extends Receiver {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
}

export interface HttpReceiverParts {
  signingSecret: string
  clock: Clock
  log: Log
}

const oldestMs = 5 * 60_000 // https://docs.slack.dev/authentication/verifying-requests-from-slack
const newestMs = 60_000 // clocks differ a little; nobody sends from the future
const longestBody = 1024 * 1024 // a dialog of 250 kB, encoded
const remembered = 20_000 // signatures: more than anybody clicks in five minutes

/** Takes what Slack sends over HTTP. Only what carries Slack's signature, of about now, and only once, reaches Bolt; whatever
 * is acknowledged twice all the same is done once (`firstTime`). */
export function createHttpReceiver({ signingSecret, clock, log }: HttpReceiverParts): HttpReceiver {
  let app: App | null = null
  const refusals = createRefusals(clock, log)
  const isReplay = createReplays(clock)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await take(request, response)
    } catch (error) {
      log.warn('a request of slack failed', { error: String(error) })
      send(response, 500)
    }
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname !== requestPath) return send(response, 404)
    if (request.method !== 'POST') return send(response, 405)
    const wrongHead = headProblem(request, clock.now())
    if (wrongHead !== null) return refuse(response, 401, wrongHead)
    const raw = await readBody(request)
    if (raw === null) return refuse(response, 413, 'its body is too long')
    if (!isSigned(request, raw, signingSecret)) return refuse(response, 401, 'its signature is wrong')
    const body = readPayload(request, raw.toString('utf8'))
    if (body === null) return refuse(response, 400, 'its body cannot be read')
    if (isReplay(signatureOf(request))) {
      refusals.say('it came before')
      return send(response, 200) // as the first time: who repeats it learns nothing
    }
    if (body['ssl_check'] === '1') return send(response, 200)
    if (body['type'] === 'url_verification') return send(response, 200, { challenge: body['challenge'] })
    await app?.processEvent(eventOf(request, response, body))
    send(response, 200) // unless it was acknowledged: what nobody listens to is not repeated
  }

  function refuse(response: ServerResponse, status: number, why: string): void {
    refusals.say(why)
    send(response, status)
  }

  return {
    answer,
    init: (made) => void (app = made),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  }
}

/** Judged before a byte of the body is read. @returns why it is refused; null = it may be Slack's */
function headProblem({ headers }: IncomingMessage, now: number): string | null {
  const stamp = String(headers['x-slack-request-timestamp'] ?? '')
  const signature = String(headers['x-slack-signature'] ?? '')
  if (!/^\d{1,12}$/.test(stamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return 'it is not signed'
  const ageMs = now - Number(stamp) * 1000
  if (ageMs > oldestMs) return 'it is too old'
  if (ageMs < -newestMs) return 'it is from the future'
  return Number(headers['content-length'] ?? 0) > longestBody ? 'its body is too long' : null
}

function signatureOf({ headers }: IncomingMessage): string {
  return String(headers['x-slack-signature'])
}

function isSigned(request: IncomingMessage, raw: Buffer, secret: string): boolean {
  const stamp = String(request.headers['x-slack-request-timestamp'])
  const ours = createHmac('sha256', secret).update(`v0:${stamp}:`).update(raw).digest()
  const theirs = Buffer.from(signatureOf(request).slice('v0='.length), 'hex')
  return timingSafeEqual(ours, theirs)
}

/** @returns null when it is longer than anything of Slack's */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestBody) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Events are JSON; commands are forms; clicks and dialogs are JSON in a form. */
function readPayload({ headers }: IncomingMessage, raw: string): Record<string, unknown> | null {
  const isJson = (headers['content-type'] ?? '').startsWith('application/json')
  const form = isJson ? {} : Object.fromEntries(new URLSearchParams(raw))
  const json = isJson ? raw : form['payload']
  if (json === undefined) return form
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function eventOf(
  { headers }: IncomingMessage,
  response: ServerResponse,
  body: Record<string, unknown>,
): ReceiverEvent {
  const retryNum = Number(headers['x-slack-retry-num'])
  return {
    body,
    ...(Number.isInteger(retryNum) && { retryNum }),
    ack: async (answer: unknown) => send(response, 200, answer),
  }
}

/** The first answer counts. */
function send(response: ServerResponse, status: number, body?: unknown): void {
  if (response.headersSent) return
  const isText = typeof body === 'string'
  const text = body === undefined ? '' : isText ? body : JSON.stringify(body)
  const type = isText || text === '' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8'
  const hurried = status >= 400 ? { connection: 'close' } : {}
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...hurried }).end(text)
}

/** A signature covers the body and its second: the same one again is the same request again. */
function createReplays(clock: Clock): (signature: string) => boolean {
  const seen = new Map<string, number>()
  return (signature) => {
    const now = clock.monotonic()
    for (const [old, at] of seen) {
      if (now - at <= oldestMs + newestMs && seen.size <= remembered) break
      seen.delete(old)
    }
    if (seen.has(signature)) return true
    seen.set(signature, now)
    return false
  }
}

const saidAgainMs = 60_000

/** Anybody can knock: each reason is said once a minute, with how often it was. */
function createRefusals(clock: Clock, log: Log): { say(why: string): void } {
  const known = new Map<string, { at: number; count: number }>()
  return {
    say(why) {
      const before = known.get(why)
      const count = (before?.count ?? 0) + 1
      const now = clock.monotonic()
      if (before !== undefined && now - before.at < saidAgainMs) return void (before.count = count)
      known.set(why, { at: now, count: 0 })
      log.warn('a request to slack.port was refused', { why, count, ...(hints[why] && { hint: hints[why] }) })
    },
  }
}

const hints: Record<string, string> = {
  'its signature is wrong':
    'copy the signing secret (Basic Information of the app) into slack.signing_secret again',
  'it is too old': 'compare the clock of this machine with the time',
  'it is from the future': 'compare the clock of this machine with the time',
}
