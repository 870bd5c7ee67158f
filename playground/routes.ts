import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readArgs, readBody } from './args.ts'
import type { House } from './house.ts'
import { receiveUpload } from './methods/files.ts'
import { answerPage } from './page-api.ts'
import { answerResponse } from './response-url.ts'
import { answerCall, play, send } from './web-api.ts'

/** One HTTP request, to whoever answers it. */
export async function route(request: IncomingMessage, response: ServerResponse, house: House): Promise<void> {
  const url = new URL(request.url ?? '/', house.url)
  const [first = '', second = '', ...rest] = url.pathname.slice(1).split('/')
  if (first === 'api') return answerCall(second, request, response, house)
  if (first === 'response') return answerLate(second, request, response, house)
  if (first === 'upload')
    return takeUpload(
      { id: second, length: Number(url.searchParams.get('length')) },
      request,
      response,
      house,
    )
  if (first === 'page') return answerPage([second, ...rest].join('/'), { request, response, url }, house)
  if (first === 'files') return sendFile(second, response, house)
  if (first === '' || first === 'archives') return sendStatic('index.html', response)
  if (first === 'assets' && /^[\w-]+\.(css|js)$/.test(second)) return sendStatic(second, response)
  return notFound(response)
}

async function answerLate(
  secret: string,
  request: IncomingMessage,
  response: ServerResponse,
  house: House,
): Promise<void> {
  const began = performance.now()
  const { args } = await readArgs(request)
  const fault = house.misbehaviours.next('response_url')
  const answer = play(fault, () => answerResponse(secret, args, house))
  house.workspace.record({
    method: 'response_url',
    args,
    at: house.workspace.now(),
    status: answer.status,
    response: answer.body,
    tookMs: performance.now() - began,
    ...(fault === undefined ? {} : { misbehaved: fault.kind }),
  })
  send(response, answer, fault)
}

async function takeUpload(
  file: { id: string; length: number },
  request: IncomingMessage,
  response: ServerResponse,
  house: House,
): Promise<void> {
  const bytes = await uploaded(request)
  const fault = house.misbehaviours.next('upload')
  const answer = play(fault, () => {
    const { status, text } = receiveUpload(house, file.id, file.length, bytes)
    return { status, body: text }
  })
  house.workspace.record({
    method: 'upload',
    args: { file: file.id, bytes: bytes.length },
    at: house.workspace.now(),
    status: answer.status,
    response: answer.body,
    tookMs: 0,
  })
  send(response, answer, fault)
}

/** Slack takes the raw bytes or one part of a form. */
async function uploaded(request: IncomingMessage): Promise<Buffer> {
  const body = await readBody(request)
  const kind = request.headers['content-type'] ?? ''
  if (!kind.startsWith('multipart/form-data')) return body
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': kind } }).formData()
  const part = [...form.values()].find((one) => typeof one !== 'string')
  return part === undefined ? Buffer.alloc(0) : Buffer.from(await part.arrayBuffer())
}

const types: Record<string, string> = { html: 'text/html', css: 'text/css', js: 'text/javascript' }

/** Nothing on the page may come from elsewhere, and no text may become a script. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; connect-src 'self'; base-uri 'none'; form-action 'none'"

async function sendStatic(name: string, response: ServerResponse): Promise<void> {
  const bytes = await readFile(new URL(`./page/${name}`, import.meta.url)).catch(() => null)
  if (bytes === null) return notFound(response)
  response.writeHead(200, {
    'content-type': `${types[name.split('.').at(-1) ?? '']}; charset=utf-8`,
    'cache-control': 'no-store',
    'content-security-policy': policy,
  })
  response.end(bytes)
}

function sendFile(id: string, response: ServerResponse, house: House): void {
  const file = house.workspace.files.get(id)
  if (file === undefined) return notFound(response)
  response.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'x-content-type-options': 'nosniff',
  })
  response.end(file.bytes)
}

function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain' })
  response.end('not found')
}
