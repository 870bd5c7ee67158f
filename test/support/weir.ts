import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server on loopback that can be closed in the middle: nothing is refused, nothing arrives. */
export interface Weir {
  port: number
  /** From so many more bytes towards the server on, nothing passes any more. */
  holdAfter(bytes: number): void
  /** Bytes that passed towards the server. */
  readonly passed: number
  /** What comes from now on passes; who was held has lost their connection. */
  release(): void
  /** Breaks off everything that goes through it now. */
  cut(): void
  /** Breaks off once so many more bytes have passed. */
  cutAfter(bytes: number): void
  close(): Promise<void>
}

export async function startWeir(target: number): Promise<Weir> {
  const sockets = new Set<Socket>()
  let passed = 0
  let holdAt = Infinity
  let cutAt = Infinity
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy() // `resetAndDestroy` that meets an end on its way keeps Node 26 from exiting
  }
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: target, noDelay: true })
    keep(near)
    keep(far)
    far.pipe(near)
    near.on('data', (chunk: Buffer) => {
      passed += chunk.length
      if (passed >= holdAt) return // swallowed
      if (passed >= cutAt) {
        cutAt = Infinity
        return cut()
      }
      if (!far.write(chunk)) {
        near.pause()
        far.once('drain', () => near.resume())
      }
    })
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get passed() {
      return passed
    },
    holdAfter: (bytes) => void (holdAt = passed + bytes),
    cutAfter: (bytes) => void (cutAt = passed + bytes),
    release() {
      holdAt = Infinity
      cut()
    },
    cut,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
