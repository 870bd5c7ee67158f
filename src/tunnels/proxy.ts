import { Type, type Static, type TSchema } from 'typebox'
import type { Duplex } from 'node:stream'
import { formatDuration } from '../core/duration.ts'
import { asFault, Fault } from '../core/faults.ts'
import { spellHost, type Host } from '../core/tunnel.ts'
import { dial, whyNot, type Socket } from '../sys/net/dial.ts'
import type { Tunnel, TunnelContext, TunnelDriver } from './tunnel.ts'

/** A server that makes one connection for us on each connection to it. */
export interface Proxy extends Host {
  /** `the SOCKS5 proxy proxy:1080` */
  name: string
  user: string | null
  password: string | null
}

/** Asks the proxy, on a fresh connection to it, for a way to `to`. What it throws is explained here, unless it is a Fault. */
export type Greet = (socket: Socket, proxy: Proxy, to: Host) => Promise<Duplex>

const proxyMs = 9_000 // clients of databases give up after ten seconds: ours says why

const group = Type.Object(
  {
    host: Type.String({ minLength: 1, description: 'Name or address', examples: ['proxy.example.com'] }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port', examples: [1080] }),
    user: Type.Optional(
      Type.String({ minLength: 1, description: 'Who logs in, where it wants that', examples: ['backup'] }),
    ),
    password: Type.Optional(
      Type.String({
        minLength: 1,
        secret: true,
        description: 'Password of the user',
        examples: ['${PROXY_PASSWORD}'],
      }),
    ),
  },
  { additionalProperties: false },
)

/** Of the options as written; `address` is the short form. */
export function proxyOptions(description: string, example: string): TSchema {
  return Type.Union([Type.String({ minLength: 1 }), group], {
    description,
    expected: 'host:port, or a group with host, port, user and password',
    examples: [example],
  })
}

type Options = Partial<Static<typeof group>> & { address?: string }

export function judgeProxy(options: Record<string, unknown>): ReturnType<TunnelDriver['judge']> {
  const { address, host, user, password } = options as Options
  const form = 'write host:port'
  if (address?.includes('@'))
    return {
      mistake: 'there is a user in the address',
      hint: 'write a group in its place: { host: …, port: …, user: …, password: … }',
    }
  if (address !== undefined && parseAddress(address) === null)
    return { mistake: 'it is not a host and a port', hint: `${form}, such as proxy.example.com:1080` }
  if (host !== undefined && /[\s/@]/.test(host))
    return { mistake: 'it is not a host', hint: 'write a name or an address', at: ['host'] }
  if ((user === undefined) !== (password === undefined))
    return { mistake: 'user and password go together', hint: 'write both, or none' }
  return null
}

/** @returns null when it is none; an IPv6 address stands in brackets */
function parseAddress(address: string): Host | null {
  const { host, bare, port } =
    /^(?:\[(?<host>[0-9a-f:.]+)\]|(?<bare>[^\s:/@[\]]+)):(?<port>\d{1,5})$/i.exec(address)?.groups ?? {}
  const name = host ?? bare
  const number = Number(port)
  return name !== undefined && number >= 1 && number <= 65_535 ? { host: name, port: number } : null
}

/** @param role  `the SOCKS5 proxy` */
export function openProxy(
  options: Record<string, unknown>,
  { clock }: TunnelContext,
  { role, greet }: { role: string; greet: Greet },
): Tunnel {
  const proxy = proxyOf(options as Options, role)
  const over = new AbortController()
  return {
    name: proxy.name,
    ready: async () => {}, // each stream is a connection of its own
    connect: (to, signal) => wayTo(to, proxy, { greet, signal: AbortSignal.any([signal, over.signal]) }),
    async check(signal) {
      const begun = clock.monotonic()
      try {
        ;(await reach(proxy, signal)).destroy()
        const tookMs = Math.round(clock.monotonic() - begun)
        return [{ ok: true, text: `${proxy.name} in ${tookMs} ms`, hint: null }]
      } catch (error) {
        const { message, hint } = asFault(error)
        return [{ ok: false, text: message, hint }]
      }
    },
    close: async () => over.abort(),
  }
}

function proxyOf({ address, user, password, ...written }: Options, role: string): Proxy {
  const { host, port } = address === undefined ? (written as Host) : parseAddress(address)!
  const name = `${role} ${spellHost({ host, port })}`
  return { name, host, port, user: user ?? null, password: password ?? null }
}

async function wayTo(
  to: Host,
  proxy: Proxy,
  { greet, signal }: { greet: Greet; signal: AbortSignal },
): Promise<Duplex> {
  const deadline = AbortSignal.timeout(proxyMs)
  const socket = await reach(proxy, AbortSignal.any([signal, deadline]))
  const end = (): void => void socket.destroy()
  signal.addEventListener('abort', end, { once: true })
  deadline.addEventListener('abort', end, { once: true })
  try {
    const way = await greet(socket, proxy, to)
    way.once('close', () => signal.removeEventListener('abort', end))
    return way
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw deadline.aborted ? late(proxy, to) : explained(error, proxy, to)
  } finally {
    deadline.removeEventListener('abort', end)
  }
}

async function reach(proxy: Proxy, signal: AbortSignal): Promise<Socket> {
  try {
    return await dial(proxy, signal)
  } catch (error) {
    if (signal.aborted && (signal.reason as Error).name !== 'TimeoutError') throw error
    const why = whyNot(error) ?? (signal.aborted ? 'no answer' : asFault(error).message)
    throw new Fault('tunnel-unreachable', `${proxy.name} cannot be reached: ${why}`, {
      hint: `check that it runs and can be reached from here: nc -vz ${proxy.host} ${proxy.port}`,
      cause: error,
    })
  }
}

function late({ name }: Proxy, to: Host): Fault {
  return new Fault(
    'tunnel-unreachable',
    `${name} did not reach ${spellHost(to)} in ${formatDuration(proxyMs)}`,
    { hint: 'look at its log' },
  )
}

function explained(error: unknown, { name }: Proxy, to: Host): Fault {
  if (error instanceof Fault) return error
  const why = whyNot(error) ?? asFault(error).message
  return new Fault('tunnel-unreachable', `${name} broke off before ${spellHost(to)} was reached: ${why}`, {
    hint: 'look at its log; is it a proxy of this kind?',
    cause: error,
  })
}
