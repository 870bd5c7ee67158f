import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../core/faults.ts'

/** Chunks whose bytes are valid only until the next one is asked for: one buffer is filled again and again.
 * @param closed  fires when nobody takes them any more */
export type Chunks = (closed: AbortSignal) => AsyncIterable<Buffer>

/** Pumps into a child; the child closing its input early is judged by its exit status.
 * @returns why the bytes themselves could not be had, or null */
export async function feed(from: Readable | Chunks, stdin: Writable | null): Promise<unknown> {
  if (!stdin) return typeof from === 'function' ? null : void from.destroy()
  try {
    await (typeof from === 'function' ? feedChunks(from, stdin) : pipeline(from, stdin))
    return null
  } catch (error) {
    const closedEarly = [
      'EPIPE',
      'ECONNRESET',
      'ERR_STREAM_PREMATURE_CLOSE',
      'ERR_STREAM_DESTROYED',
    ].includes((error as NodeJS.ErrnoException).code ?? '')
    return closedEarly ? null : error
  }
}

/** Each chunk is on its way before the next one overwrites it. */
async function feedChunks(chunks: Chunks, stdin: Writable): Promise<void> {
  const closed = new AbortController()
  stdin.once('close', () => closed.abort(Object.assign(new Error('closed'), { code: 'EPIPE' })))
  stdin.on('error', () => undefined) // the write that failed says it
  try {
    for await (const chunk of chunks(closed.signal))
      await new Promise<void>((done, failed) =>
        stdin.write(chunk, (error) => (error ? failed(error) : done())),
      )
    stdin.end()
  } finally {
    if (!stdin.writableEnded) stdin.destroy()
  }
}

/** The end that a program writes to, and when all of it was seen. */
export interface Scanner {
  /** Given to the program as its standard output; our copy is destroyed once it has started. */
  theirs: Socket
  ended: Promise<void>
  /** Nothing more is seen, whoever holds the other end. */
  letGo: () => void
}

const scanBytes = 64 * 1024 // what a socket holds

/** Joined sockets whose reading end fills one buffer again and again. The whole text of a database passes here: with a new
 * buffer for each chunk, collecting them took more processor time than reading them.
 * @param scan  sees each chunk, whose bytes are gone when it returns */
export async function openScanner(scan: (chunk: Buffer) => void): Promise<Scanner> {
  const server = createServer({ pauseOnConnect: true })
  // without a file where the system can do so; the name is nobody's to guess
  const folder = process.platform === 'linux' ? '\0' : `${tmpdir()}/`
  const path = `${folder}easy-backup-${randomBytes(16).toString('hex')}`
  try {
    server.listen(path)
    await once(server, 'listening')
    const callback = (bytes: number, buffer: Uint8Array): boolean => {
      scan(buffer.subarray(0, bytes) as Buffer)
      return true
    }
    const ours = connect({ path, onread: { buffer: Buffer.allocUnsafeSlow(scanBytes), callback } })
    const ended = new Promise<void>((done) => ours.once('close', done))
    return { theirs: await accepted(server, ours), ended, letGo: () => ours.destroy() }
  } catch (cause) {
    throw new Fault('tool-failed', `no socket for a program's output: ${(cause as Error).message}`, { cause })
  } finally {
    server.close()
  }
}

function accepted(server: Server, ours: Socket): Promise<Socket> {
  return new Promise((done, failed) => {
    server.once('connection', done)
    server.once('error', failed)
    ours.on('error', failed)
    ours.once('close', () => failed(new Error('it was closed at once'))) // no descriptor was free to accept it
  })
}
