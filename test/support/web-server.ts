import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

export interface Heard {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** What it was answered; null = nothing. */
  status: number | null
}

export interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string
}

export interface WebServer {
  port: number
  url: string
  heard: Heard[]
  /** What it says to everybody. */
  answer: Answer
  /** What it thinks of a request; null = it says `answer`. */
  judge: (heard: Heard) => Answer | null
  /** Hears, and never answers. */
  silent: boolean
  close(): Promise<void>
}

/** A server of this machine that keeps what it was asked. */
export async function startWebServer(
  t: TestContext,
  certificate: { key: string; cert: string } | null = null,
): Promise<WebServer> {
  const listener: Parameters<typeof createServer>[1] = (request, response) => {
    void text(request).then((body) => {
      const { method = '', url = '', headers } = request
      const heard: Heard = { method, path: url, headers, body, status: null }
      const answer = web.silent ? null : (web.judge(heard) ?? web.answer)
      web.heard.push({ ...heard, status: answer?.status ?? null })
      if (answer === null) return
      response.writeHead(answer.status, answer.headers)
      response.end(answer.body ?? '')
    })
  }
  const server = certificate ? createSecureServer(certificate, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  t.after(close)
  const { port } = server.address() as AddressInfo
  const web: WebServer = {
    port,
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    heard: [],
    answer: { status: 200 },
    judge: () => null,
    silent: false,
    close,
  }
  return web
}
