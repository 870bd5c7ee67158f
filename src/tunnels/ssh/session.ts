import type { Client } from 'ssh2'
import type { Duplex } from 'node:stream'
import { formatDuration } from '../../core/duration.ts'
import { asFault, Fault } from '../../core/faults.ts'
import { spellHost, type Host } from '../../core/tunnel.ts'
import { whyNot } from '../../sys/net/dial.ts'
import { connectSsh, type SshServer } from '../../sys/ssh/connect.ts'

/** A server on the way; its name is for people: `the jump host gate:22`. */
export interface Hop extends SshServer {
  name: string
}

/** Every hop logged in, the next through the one before. */
export interface Session {
  connect(host: Host, signal: AbortSignal): Promise<Duplex>
  close(): void
}

const faults = { unreachable: 'tunnel-unreachable', refused: 'tunnel-refused' } as const
export const hopMs = 9_000 // clients of databases give up after ten seconds: ours says why

/** @param hopsOf  may throw what is wrong with them
 * @param passed  is told of each hop once it let us in
 * @param broken  the first hop that was lost, unless we closed it */
export async function openSession(
  hopsOf: () => readonly Hop[],
  { signal, passed, broken }: { signal: AbortSignal; passed(hop: Hop): void; broken(fault: Fault): void },
): Promise<Session> {
  const hops = hopsOf()
  const clients: Client[] = []
  const over = new AbortController()
  const close = (why: Fault): void => {
    over.abort(why)
    for (const client of clients.toReversed()) {
      client.end() // says goodbye,
      client.destroy() // and waits for nobody
    }
  }
  const lost = (fault: Fault): void => {
    if (over.signal.aborted) return
    close(fault)
    broken(fault)
  }
  const through = (by: Hop, to: Host | Hop, asked: AbortSignal): Promise<Duplex> =>
    channel(clients[hops.indexOf(by)]!, { by, to, signal: AbortSignal.any([asked, over.signal]) })
  try {
    for (const [index, hop] of hops.entries()) {
      const way = index === 0 ? null : await through(hops[index - 1]!, hop, signal)
      const client = await connectSsh(hop, { signal, timeoutMs: hopMs, faults, ...(way && { through: way }) })
      clients.push(client)
      client.on('error', (error) => lost(lostAt(hop, error)))
      client.on('end', () => lost(lostAt(hop, null))) // through another hop its close never comes by itself
      client.on('close', () => lost(lostAt(hop, null)))
      passed(hop)
    }
  } catch (error) {
    close(asFault(error))
    throw error
  }
  return {
    connect: (to, asked) => through(hops.at(-1)!, to, asked),
    close: () => close(new Fault('cancelled', 'the tunnel was closed')),
  }
}

function lostAt({ name }: Hop, cause: Error | null): Fault {
  const why = cause === null ? '' : `: ${whyNot(cause) ?? cause.message}`
  return new Fault('tunnel-unreachable', `the connection to ${name} broke${why}`, {
    hint: 'look at the network between here and there, and at the log of its sshd',
    cause,
  })
}

interface Passage {
  by: Hop
  /** The next hop, or a server. */
  to: Host | Hop
  signal: AbortSignal
}

/** RFC 4254, section 7.2: the server connects, and passes on. */
function channel(client: Client, { by, to, signal }: Passage): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
  const deadline = AbortSignal.timeout(hopMs)
  const ended = AbortSignal.any([signal, deadline])
  const cancelled = (): void => reject(signal.aborted ? (signal.reason as Error) : notInTime(by, to))
  if (ended.aborted) cancelled()
  ended.addEventListener('abort', cancelled, { once: true })
  try {
    client.forwardOut('127.0.0.1', 0, to.host, to.port, (error, stream) => {
      if (error) return reject(refusal(error, by, to))
      if (ended.aborted) stream.destroy() // nobody waits any more
      resolve(stream)
    })
  } catch (error) {
    reject(lostAt(by, error as Error))
  }
  return promise.finally(() => ended.removeEventListener('abort', cancelled))
}

function notInTime(by: Hop, to: Host | Hop): Fault {
  return notReached(by, to, { why: `nothing came in ${formatDuration(hopMs)}` })
}

function notReached(by: Hop, to: Host | Hop, { why, cause }: { why: string; cause?: Error }): Fault {
  const [code, what] =
    'name' in to
      ? (['tunnel-unreachable', to.name] as const)
      : (['database-unreachable', spellHost(to)] as const)
  return new Fault(code, `${by.name} does not reach ${what}: ${why}`, {
    hint: `try it there: nc -vz ${to.host} ${to.port}`,
    cause,
  })
}

const prohibited = 1 // RFC 4254, section 5.1

function refusal(cause: Error & { reason?: unknown }, by: Hop, to: Host | Hop): Fault {
  if (cause.reason === prohibited)
    return new Fault('tunnel-refused', `${by.name} does not let us connect to ${spellHost(to)}`, {
      hint: 'look at AllowTcpForwarding and PermitOpen in its sshd_config, and at the key’s line in authorized_keys',
      cause,
    })
  const why = cause.message.replace(/^\(SSH\) Channel open failure: /, '').toLowerCase()
  return notReached(by, to, { why, cause })
}
