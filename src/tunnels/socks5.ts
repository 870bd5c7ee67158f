import type { Duplex } from 'node:stream'
import type { Socket } from '../sys/net/dial.ts'
import { Fault } from '../core/faults.ts'
import { spellHost, type Host } from '../core/tunnel.ts'
import { judgeProxy, openProxy, proxyOptions, type Proxy } from './proxy.ts'
import type { TunnelDriver } from './tunnel.ts'

/** RFC 1928, with user and password as in RFC 1929. Names are looked up by the proxy. */
export const socks5: TunnelDriver = {
  kind: 'socks5',
  options: proxyOptions('Through a SOCKS5 proxy', 'proxy.example.com:1080'),
  judge: judgeProxy,
  open: (options, context) => openProxy(options, context, { role: 'the SOCKS5 proxy', greet }),
}

async function greet(socket: Socket, proxy: Proxy, to: Host): Promise<Duplex> {
  const { SocksClient } = await import('socks')
  const { host, port, user, password } = proxy
  try {
    await SocksClient.createConnection({
      command: 'connect',
      proxy: { host, port, type: 5, ...(user !== null && { userId: user, password: password ?? '' }) },
      destination: to,
      existing_socket: socket,
    })
  } catch (error) {
    throw refusal(error as Error, proxy, to)
  }
  return settled(socket)
}

/** The library gives what came behind its answer as an event of its own, later, and once only: it goes back into the socket. */
async function settled(socket: Socket): Promise<Socket> {
  const early: Buffer[] = []
  const keep = (chunk: Buffer): void => void early.push(chunk)
  socket.on('data', keep)
  await new Promise((next) => setImmediate(next))
  socket.pause()
  socket.off('data', keep)
  if (early.length > 0) socket.unshift(Buffer.concat(early))
  return socket
}

/** RFC 1928, section 6, by the library's names. */
const replies: Record<string, string> = {
  Failure: 'general failure',
  NetworkUnreachable: 'there is no way to its network',
  HostUnreachable: 'there is no way to it, or its name is not known there',
  ConnectionRefused: 'connection refused',
  TTLExpired: 'nothing came in time',
  CommandNotSupported: 'it makes no connections',
  AddressNotSupported: 'it does not take this kind of address',
}

/** @returns what is not understood as it is */
function refusal(error: Error, { name, user }: Proxy, to: Host): Error {
  const { message } = error
  const refused = (text: string, hint: string): Fault =>
    new Fault('tunnel-refused', `${name} ${text}`, { hint, cause: error })
  const login = 'write socks5: { host: …, port: …, user: …, password: … } as it knows them'
  if (/Authentication failed/.test(message)) return refused('refused the user or password', login)
  if (/no accepted authentication/.test(message))
    return user === null
      ? refused('wants a user and a password', login)
      : refused('takes no user and password', 'write socks5: host:port')
  if (/invalid socks version/.test(message))
    return refused('does not speak SOCKS5', 'is it an HTTP proxy, or SOCKS4?')
  const reply = / rejected connection - (\w+)/.exec(message)?.[1]
  if (reply === undefined) return error
  if (reply === 'NotAllowed')
    return refused(`does not let us connect to ${spellHost(to)}`, 'look at its rules')
  const why = replies[reply] ?? 'for a reason of its own'
  return new Fault('database-unreachable', `${name} does not reach ${spellHost(to)}: ${why}`, {
    hint: 'look at its log, and try the database from the proxy’s own host',
    cause: error,
  })
}
