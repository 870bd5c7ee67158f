import { connect, type Socket } from 'node:net'
import type { Host } from '../../core/tunnel.ts'

const aliveAfterMs = 15_000 // a silent way through a firewall is forgotten after a minute or two

/** A plain connection over TCP. Small writes leave at once, and a peer that vanished is noticed. An error that nobody listens for is
 * in `errored`.
 * @throws the system's error (ECONNREFUSED …) · the signal's reason */
export function dial({ host, port }: Host, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  signal.throwIfAborted()
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: aliveAfterMs })
  const cancelled = (): void => {
    socket.destroy()
    reject(signal.reason as Error)
  }
  const settled = (): void => signal.removeEventListener('abort', cancelled)
  signal.addEventListener('abort', cancelled, { once: true })
  socket.once('connect', () => {
    settled()
    resolve(socket)
  })
  socket.on('error', reject)
  socket.once('close', settled)
  return promise
}

/** Why a connection failed, for people; null = the error does not tell. */
export function whyNot(error: unknown): string | null {
  const { code = '', errors } = error as { code?: string; errors?: unknown[] }
  return reasons[code] ?? (errors?.[0] === undefined ? null : whyNot(errors[0])) // one for each address tried
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  ETIMEDOUT: 'nothing came in time',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
}

export type { Socket } from 'node:net'
