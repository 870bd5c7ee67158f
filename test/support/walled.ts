import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { ownerOf } from '../../src/sys/net/peer.ts'
import type { PostgresServer } from './postgres.ts'

/** A port in front of a server that lets in nobody but processes of one account: the server is reachable only from there. */
export interface Walled {
  port: number
  /** How many were let in. */
  entered: number
  /** Called once, as soon as so many bytes have come out since. */
  afterBytes(count: number, work: () => void): void
  close(): Promise<void>
}

/** @param account null = where every process is of one account, as without root: everybody is let in */
export async function wallIn(
  { socketDir, port }: Pick<PostgresServer, 'socketDir' | 'port'>,
  account: number | null,
): Promise<Walled> {
  const sockets = new Set<Socket>()
  let isOver = false
  let watch: { left: number; work: () => void } | null = null
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    keep(socket)
    void ownerOf(socket).then((owner) => {
      if (isOver) return socket.destroy()
      if (account !== null && owner !== account) return socket.destroy()
      walled.entered++
      const inner = keep(connect({ path: `${socketDir}/.s.PGSQL.${port}` }))
      inner.on('data', (chunk: Buffer) => {
        if (watch === null || (watch.left -= chunk.length) > 0) return
        const { work } = watch
        watch = null
        work()
      })
      inner.pipe(socket).pipe(inner)
      inner.once('close', () => socket.destroySoon())
      socket.once('close', () => inner.destroy())
    })
  })
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    return socket.once('close', () => sockets.delete(socket))
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const walled: Walled = {
    port: (server.address() as AddressInfo).port,
    entered: 0,
    afterBytes: (left, work) => void (watch = { left, work }),
    async close() {
      isOver = true
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
  return walled
}

/** The URL of a database as the far end of a tunnel knows it. */
export function behind(server: PostgresServer, { port }: Walled, database: string): string {
  const url = new URL(server.url(database))
  url.port = String(port)
  return url.href
}
