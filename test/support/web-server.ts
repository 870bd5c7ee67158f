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

export interface WebServer {
  port: number
  url: string
  heard: Heard[]
  /** What it says to everybody. */
  answer: { status: number; headers?: Record<string, string>; body?: string }
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
      const status = web.silent ? null : web.answer.status
      web.heard.push({ method, path: url, headers, body, status })
      if (web.silent) return
      response.writeHead(web.answer.status, web.answer.headers)
      response.end(web.answer.body ?? '')
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
    silent: false,
    close,
  }
  return web
}
