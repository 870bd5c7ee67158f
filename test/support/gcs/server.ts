import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { answerWith, createScript, type Rule } from '../s3/misbehaviour.ts'
import { deleteObject, getObject, insertWhole, listObjects } from './objects.ts'
import { begin, cancel, proceed } from './resumable.ts'
import { json, Refusal, type GcsAnswer, type GcsRequest, type Store } from './store.ts'
import { createTokens, type Tokens } from './tokens.ts'

export type GcsAction =
  | 'token'
  | 'get'
  | 'media'
  | 'list'
  | 'delete'
  | 'insert'
  | 'begin'
  | 'chunk'
  | 'cancel'

export type GcsRule = Omit<Rule, 'on'> & { on: GcsAction | 'any' }

/** A strict stand-in for the JSON API of Google Cloud Storage with one bucket: signed claims for tokens, tokens, conditions,
 * digests, the rules of resumable uploads, pages and retention; it can be told to misbehave. */
export interface GcsServer {
  endpoint: string
  bucket: string
  tokens: Tokens
  store: Store
  /** A key file as Google gives it, which names the stand-in's own token endpoint. */
  keyFile(): Record<string, string>
  misbehave(rule: GcsRule): () => void
  deny(...actions: GcsAction[]): void
  openUploads(): string[]
  readonly seen: { action: GcsAction; name: string; status: number }[]
  close(): Promise<void>
}

const bucket = 'backups'

export async function startGcs(options: { pageKeys?: number; now?: () => number } = {}): Promise<GcsServer> {
  const { pageKeys = 1_000, now = () => Date.now() } = options
  const store: Store = {
    now,
    objects: new Map(),
    sessions: new Map(),
    generations: 0,
    pageKeys,
    retentionMs: 0,
    keepAtMost: Infinity,
  }
  const tokens = createTokens(now)
  const script = createScript()
  const denied = new Set<GcsAction>()
  const seen: GcsServer['seen'] = []
  const sockets = new Set<Socket>()
  let endpoint = ''

  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await requestOf(incoming)
      const { action, name } = actionOf(request)
      const trouble = script.next(action as never, name)
      if (trouble && 'blackhole' in trouble) return
      if (trouble && 'cutRequestAt' in trouble) return void response.socket?.destroy()
      const answer =
        trouble && 'answer' in trouble
          ? refusalOf(new Refusal(trouble.answer, trouble.code, trouble.message ?? 'as told'))
          : serve(request, { action, name })
      seen.push({ action, name, status: answer.status })
      answerWith(response, answer as never, trouble)
    })().catch(() => response.destroy())
  })

  function serve(request: GcsRequest, { action, name }: { action: GcsAction; name: string }): GcsAnswer {
    try {
      if (action === 'token') return tokens.exchange(request, `${endpoint}/token`)
      if (!tokens.accepts(request.headers['authorization']))
        throw new Refusal(401, 'authError', 'Invalid Credentials')
      if (!request.path.includes(`/b/${bucket}/o`))
        throw new Refusal(404, 'notFound', 'The specified bucket does not exist.')
      if (denied.has(action)) throw new Refusal(403, 'forbidden', 'does not have storage access')
      if (action === 'list') return listObjects(store, request)
      if (action === 'get' || action === 'media') return getObject(store, name, request)
      if (action === 'delete') return deleteObject(store, name)
      if (action === 'insert') return insertWhole(store, request)
      if (action === 'begin') return begin(store, request, endpoint)
      return action === 'cancel' ? cancel(store, request) : proceed(store, request)
    } catch (error) {
      if (error instanceof Refusal) return refusalOf(error)
      throw error
    }
  }

  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    endpoint,
    bucket,
    tokens,
    store,
    keyFile: () => tokens.keyFile(`${endpoint}/token`),
    misbehave: (rule) => script.add(rule as unknown as Rule),
    deny: (...actions) => actions.forEach((action) => denied.add(action)),
    openUploads: () => [...store.sessions.values()].filter(({ end }) => end === null).map(({ name }) => name),
    seen,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function requestOf(incoming: IncomingMessage): Promise<GcsRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const url = new URL(incoming.url!, 'http://stand-in')
  const body = Buffer.concat(chunks)
  return {
    method: incoming.method!,
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body,
  }
}

function actionOf({ method, path, query }: GcsRequest): { action: GcsAction; name: string } {
  if (path === '/token') return { action: 'token', name: '' }
  const encoded = /\/o\/(.+)$/.exec(path)?.[1]
  const name =
    encoded === undefined ? (query.get('name') ?? query.get('prefix') ?? '') : decodeURIComponent(encoded)
  if (path.startsWith('/upload/')) {
    if (method === 'DELETE') return { action: 'cancel', name }
    if (method === 'PUT') return { action: 'chunk', name }
    return { action: query.get('uploadType') === 'resumable' ? 'begin' : 'insert', name }
  }
  if (method === 'DELETE') return { action: 'delete', name }
  if (encoded === undefined) return { action: 'list', name }
  return { action: query.get('alt') === 'media' ? 'media' : 'get', name }
}

function refusalOf({ status, reason, message }: Refusal): GcsAnswer {
  if (status === 416) return { status }
  return json({ error: { code: status, message, errors: [{ reason, message }] } }, status)
}
