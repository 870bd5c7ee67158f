import type { Client } from 'ssh2'
import type { Duplex } from 'node:stream'
import { formatDuration } from '../../core/duration.ts'
import { Fault } from '../../core/faults.ts'
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
  let isOver = false
  const close = (): void => {
    isOver = true
    for (const client of clients.toReversed()) {
      client.end() // says goodbye,
      client.destroy() // and waits for nobody
    }
  }
  const lost = (fault: Fault): void => {
    if (isOver) return
    close()
    broken(fault)
  }
  try {
    for (const [index, hop] of hops.entries()) {
      const before = hops[index - 1]
      const through = before && (await channel(clients.at(-1)!, { by: before, to: hop, signal }))
      const client = await connectSsh(hop, { signal, timeoutMs: hopMs, faults, ...(through && { through }) })
      clients.push(client)
      client.on('error', (error) => lost(lostAt(hop, error)))
      client.on('end', () => lost(lostAt(hop, null))) // through another hop its close never comes by itself
      client.on('close', () => lost(lostAt(hop, null)))
      passed(hop)
    }
  } catch (error) {
    close()
    throw error
  }
  const by = hops.at(-1)!
  return { connect: (to, asked) => channel(clients.at(-1)!, { by, to, signal: asked }), close }
}

function lostAt({ name }: Hop, cause: Error | null): Fault {
  const why = cause === null ? '' : `: ${whyNot(cause) ?? cause.message}`
  return new Fault('tunnel-unreachable', `the connection to ${name} broke${why}`, {
    hint: 'look at the network between here and there, and at the log of its sshd',
    cause,
  })
}

/** RFC 4254, section 7.2: the server connects, and passes on. */
function channel(
  client: Client,
  { by, to, signal }: { by: Hop; to: Host; signal: AbortSignal },
): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
  const deadline = AbortSignal.timeout(hopMs)
  const ended = AbortSignal.any([signal, deadline])
  const cancelled = (): void => reject(signal.aborted ? (signal.reason as Error) : notInTime(by, to))
  ended.addEventListener('abort', cancelled, { once: true })
  client.once('close', cancelled)
  const settled = (): void => {
    ended.removeEventListener('abort', cancelled)
    client.off('close', cancelled)
  }
  try {
    client.forwardOut('127.0.0.1', 0, to.host, to.port, (error, stream) => {
      if (error) return reject(refusal(error, by, to))
      if (ended.aborted) stream.destroy() // nobody waits any more
      resolve(stream)
    })
  } catch (error) {
    reject(lostAt(by, error as Error))
  }
  return promise.finally(settled)
}

function notInTime({ name }: Hop, to: Host): Fault {
  const text = `${name} did not reach ${spellHost(to)} in ${formatDuration(hopMs)}`
  return new Fault('database-unreachable', text, { hint: hintFrom(to) })
}

const prohibited = 1 // RFC 4254, section 5.1

function refusal(error: Error & { reason?: unknown }, { name }: Hop, to: Host): Fault {
  if (error.reason === prohibited || error.reason === 'ADMINISTRATIVELY_PROHIBITED')
    return new Fault('tunnel-refused', `${name} does not let us connect to ${spellHost(to)}`, {
      hint: 'look at AllowTcpForwarding and PermitOpen in its sshd_config, and at the key’s line in authorized_keys',
      cause: error,
    })
  const why = error.message.replace(/^\(SSH\) Channel open failure: /, '')
  return new Fault('database-unreachable', `${name} does not reach ${spellHost(to)}: ${why.toLowerCase()}`, {
    hint: hintFrom(to),
    cause: error,
  })
}

function hintFrom({ host, port }: Host): string {
  return `try it there: nc -vz ${host} ${port}`
}
