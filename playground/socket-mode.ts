/** Socket Mode: hello, envelopes, acknowledgements, refresh. The client is `@slack/socket-mode`. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { limits } from './limits.ts'
import { app } from './people.ts'
import { Refusal } from './refusal.ts'

const pingEveryMs = 10_000

export class SocketMode {
  /** Called with every acknowledgement. */
  onAck: (envelopeId: string, payload: unknown) => void = () => undefined
  onConnections: (count: number) => void = () => undefined
  readonly #server = new WebSocketServer({ noServer: true })
  readonly #tickets = new Set<string>()
  readonly #sockets = new Set<WebSocket>()
  readonly #pinger: NodeJS.Timeout

  constructor() {
    this.#pinger = setInterval(() => this.#sockets.forEach((socket) => socket.ping()), pingEveryMs)
    this.#pinger.unref()
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** A ticket for one connection, as in `apps.connections.open`. */
  ticket(): string {
    if (this.#sockets.size >= limits.connections) throw new Refusal('too_many_websockets')
    const ticket = randomBytes(12).toString('hex')
    this.#tickets.add(ticket)
    return ticket
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ticket = new URL(request.url ?? '/', 'http://localhost').searchParams.get('ticket') ?? ''
    if (!this.#tickets.delete(ticket)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
      return
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#greet(opened))
  }

  #greet(socket: WebSocket): void {
    this.#sockets.add(socket)
    socket.on('message', (raw: Buffer) => this.#receive(raw.toString()))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.onConnections(this.#sockets.size)
    })
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.#sockets.size,
        debug_info: { host: 'playground', build_number: 1, approximate_connection_time: 18_060 },
        connection_info: { app_id: app.id },
      }),
    )
    this.onConnections(this.#sockets.size)
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as { envelope_id?: string; payload?: unknown }
    if (typeof message.envelope_id === 'string') this.onAck(message.envelope_id, message.payload ?? {})
  }

  /** Slack gives each envelope to one of the connections.
   * @returns false when there is none */
  send(envelope: unknown): boolean {
    const open = [...this.#sockets].filter((socket) => socket.readyState === WebSocket.OPEN)
    const socket = open[Math.floor(Math.random() * open.length)]
    socket?.send(JSON.stringify(envelope))
    return socket !== undefined
  }

  /** Slack recycles a connection: the client is asked to come back. */
  refresh(reason: 'warning' | 'refresh_requested'): void {
    for (const socket of this.#sockets)
      socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'playground' } }))
  }

  /** Cuts connections without a word; all of them when no number is given. */
  drop(count: number = this.#sockets.size): void {
    for (const socket of [...this.#sockets].slice(0, count)) {
      this.#sockets.delete(socket)
      socket.terminate()
    }
    this.onConnections(this.#sockets.size)
  }

  /** Says goodbye, and hangs up on whoever does not answer at once. */
  async close(): Promise<void> {
    clearInterval(this.#pinger)
    const patience = setTimeout(() => this.drop(), 250)
    await Promise.all([...this.#sockets].map((socket) => ended(socket)))
    clearTimeout(patience)
    this.#server.close()
  }
}

function ended(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.close(1001)
  })
}
