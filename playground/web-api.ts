/** Answers one Web API call: misbehaviour, token, scope, rate, arguments, method; and keeps a record of it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readArgs, typedArgs } from './args.ts'
import type { House } from './house.ts'
import { methods } from './methods/registry.ts'
import { postDue } from './methods/chat.ts'
import type { Method } from './methods/method.ts'
import type { Misbehaviour } from './misbehaviour.ts'
import { Refusal } from './refusal.ts'
import type { Json } from './validate/rules.ts'

interface Answer {
  status: number
  body: unknown
  headers?: Record<string, string>
}

export async function answerCall(
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  house: House,
): Promise<void> {
  const began = performance.now()
  const given = await readArgs(request).catch((error: unknown) => error as Refusal)
  const args = given instanceof Refusal ? {} : given.args
  const { token: _secret, ...told } = args
  const fault = house.misbehaviours.next(name)
  const answer =
    given instanceof Refusal ? refused(given) : play(fault, () => call(name, given, request, house))
  house.workspace.record({
    method: name,
    args: plain(told),
    at: house.workspace.now(),
    status: answer.status,
    response: answer.body,
    tookMs: performance.now() - began,
    ...(fault === undefined ? {} : { misbehaved: fault.kind }),
  })
  // its clock is Slack's, which whoever schedules a message has to go by
  const date = new Date(house.workspace.now()).toUTCString()
  send(response, { ...answer, headers: { date, ...answer.headers } }, fault)
}

/** Structures that arrived as JSON text in a form are easier to read as what they are. */
function plain(args: Json): Json {
  const entries = Object.entries(args).map(([key, value]): [string, unknown] => {
    if (typeof value !== 'string' || !/^[[{]/.test(value)) return [key, value]
    try {
      return [key, JSON.parse(value)]
    } catch {
      return [key, value]
    }
  })
  return Object.fromEntries(entries)
}

function call(
  name: string,
  given: { args: Json; isForm: boolean },
  request: IncomingMessage,
  house: House,
): Answer {
  postDue(house)
  try {
    const method = methods[name]
    if (method === undefined) throw new Refusal('unknown_method', { req_method: name })
    checkToken(method, given.args, request, house)
    const wait = house.limiter.take(name, given.args['channel'])
    if (wait !== null) return tooMany(wait)
    const args = typedArgs(given.args, given.isForm, method.args)
    const headers = {
      'x-oauth-scopes': house.settings.scopes.filter((one) => one !== 'connections:write').join(','),
      'x-accepted-oauth-scopes': [method.scope ?? []].flat().join(','),
    }
    return { status: 200, body: method.run(args, house), headers }
  } catch (error) {
    if (error instanceof Refusal) return refused(error)
    throw error
  }
}

function checkToken(method: Method, args: Json, request: IncomingMessage, house: House): void {
  const { tokens, scopes } = house.settings
  const header = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  const token = header ?? args['token']
  if (token === undefined || token === '') throw new Refusal('not_authed')
  if (token !== tokens.bot && token !== tokens.app) throw new Refusal('invalid_auth')
  if (token !== tokens[method.token ?? 'bot']) throw new Refusal('not_allowed_token_type')
  const wanted = [method.scope ?? []].flat()
  if (wanted.length === 0 || wanted.some((one) => scopes.includes(one))) return
  throw new Refusal('missing_scope', { needed: wanted.join(','), provided: scopes.join(',') })
}

function refused(error: Refusal): Answer {
  return { status: 200, body: error.body() }
}

function tooMany(seconds: number): Answer {
  return {
    status: 429,
    body: { ok: false, error: 'ratelimited' },
    headers: { 'retry-after': String(seconds) },
  }
}

/** What the caller gets instead, or after, the method was done. */
export function play(fault: Misbehaviour | undefined, done: () => Answer): Answer {
  switch (fault?.kind) {
    case '429':
    case 'ratelimited':
      return tooMany(fault.retryAfter ?? 1)
    case '400':
      return { status: 400, body: { ok: false, error: fault.error ?? 'invalid_blocks' } }
    case '500':
    case '503':
      return { status: Number(fault.kind), body: 'server error' }
    case 'error':
      return { status: 200, body: { ok: false, error: fault.error ?? 'internal_error' } }
    case 'timeout-before':
    case 'drop-socket':
      return { status: 0, body: null }
    case 'html':
      return { status: 200, body: '<html>We are working on it</html>' }
    case 'malformed':
      return { ...done(), body: '<html>Something went wrong</html>' }
    default:
      return done()
  }
}

/** Sends the answer, or leaves the caller waiting or cut off. */
export function send(response: ServerResponse, answer: Answer, fault?: Misbehaviour): void {
  if (fault?.kind === 'timeout-after' || fault?.kind === 'timeout-before') return
  if (fault?.kind === 'drop-socket' || fault?.kind === 'drop-after') return void response.socket?.destroy()
  const isText = typeof answer.body === 'string'
  response.writeHead(answer.status, {
    'content-type': isText ? 'text/html' : 'application/json; charset=utf-8',
    ...answer.headers,
  })
  response.end(isText ? answer.body : JSON.stringify(answer.body))
}
