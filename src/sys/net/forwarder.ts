import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { isOurs } from './peer.ts'

/** Each connection to a port of this machine goes on somewhere else. */
export interface Forwarder {
  host: '127.0.0.1'
  port: number
  /** Breaks off every connection; new ones are taken. */
  reset(): void
  /** Takes no more, and breaks off those there are. */
  close(): Promise<void>
}

export interface Forwarding {
  /** Where a connection goes on. @param gone  fires when it was broken off meanwhile; whoever only went away is noticed later */
  onward(gone: AbortSignal): Promise<Duplex>
  /** There was no way on, or it broke. */
  failed(error: unknown): void
  /** The other end closed first. */
  ended(): void
}

/** Listens on the loopback address only, and there for processes of this account and of root alone: other people of this machine
 * are turned away, where the system tells who connects. */
export async function openForwarder(forwarding: Forwarding): Promise<Forwarder> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy()) // whoever connected went away, and knows
    void forward(socket, forwarding)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const reset = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    host: '127.0.0.1',
    port,
    reset,
    async close() {
      const closed = new Promise((done) => server.close(done))
      reset()
      await closed
    },
  }
}

async function forward(socket: Socket, forwarding: Forwarding): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  try {
    if (!(await isOurs(socket))) return void socket.destroy()
    const way = await forwarding.onward(gone.signal)
    if (way.destroyed) throw way.errored ?? new Error('it was closed at once')
    if (socket.destroyed) way.destroy()
    else join(socket, way, forwarding)
  } catch (error) {
    if (!gone.signal.aborted) forwarding.failed(error)
    socket.destroy()
  }
}

/** In both directions until both have ended. What breaks on one side ends the other at once: programs know whether their server had
 * said everything. (`resetAndDestroy` would say it, too, but Node 26 never exits when it meets an end on its way.) */
function join(socket: Socket, way: Duplex, { failed, ended }: Forwarding): void {
  way.on('error', (error) => {
    failed(error)
    socket.destroy()
  })
  way.once('end', () => {
    if (!socket.readableEnded) ended()
  })
  way.once('close', () => socket.destroySoon()) // what came before is still delivered
  socket.once('close', () => way.destroy())
  way.pipe(socket)
  socket.pipe(way)
}
