import type { Clock } from '../../core/clock.ts'
import { asFault, Fault } from '../../core/faults.ts'
import { orAborted } from '../../core/or-aborted.ts'
import { spellHost } from '../../core/tunnel.ts'
import type { HopLine, Tunnel, TunnelContext, TunnelDriver } from '../tunnel.ts'
import { judgeSsh } from './judge.ts'
import { sshOptions, type HopOptions, type SshOptions } from './options.ts'
import { openSession, type Hop, type Session } from './session.ts'

/** Through servers of SSH, by channels of forwarded TCP (RFC 4254, section 7). */
export const ssh: TunnelDriver = {
  kind: 'ssh',
  options: sshOptions,
  judge: judgeSsh,
  open: (options, context) => openTunnel(options as SshOptions, context),
}

function openTunnel(options: SshOptions, context: TunnelContext): Tunnel {
  const over = new AbortController()
  let session: Promise<Session> | null = null
  const opened = (): Promise<Session> => {
    const made = openSession(() => hopsOf(options, context), {
      signal: over.signal,
      passed: () => {},
      broken(fault) {
        if (session === made) session = null // the next one opens it anew
        context.broken(fault)
      },
    })
    made.catch(() => {
      if (session === made) session = null
    })
    return made
  }
  const shared = (signal: AbortSignal): Promise<Session> => orAborted((session ??= opened()), signal)
  return {
    name: nameOf('the SSH server', options),
    ready: async (signal) => void (await shared(signal)),
    connect: async (host, signal) => (await shared(signal)).connect(host, signal),
    check: (signal) => checkHops(() => hopsOf(options, context), context.clock, signal),
    async close() {
      over.abort()
      const last = await session?.catch(() => null)
      last?.close()
    },
  }
}

async function checkHops(hops: () => Hop[], clock: Clock, signal: AbortSignal): Promise<HopLine[]> {
  const lines: HopLine[] = []
  let begun = clock.monotonic()
  const passed = ({ name }: Hop): void => {
    const tookMs = Math.round(clock.monotonic() - begun)
    begun = clock.monotonic()
    lines.push({ ok: true, text: `${name} in ${tookMs} ms, its host key is the right one`, hint: null })
  }
  try {
    const session = await openSession(hops, { signal, passed, broken: () => {} })
    session.close()
  } catch (error) {
    const { message, hint } = asFault(error)
    lines.push({ ok: false, text: message, hint })
  }
  return lines
}

/** In the order they are passed. */
function hopsOf({ jump, ...last }: SshOptions, context: TunnelContext): Hop[] {
  const jumps = jump === undefined ? [] : Array.isArray(jump) ? jump : [jump]
  return [...jumps.map((one) => hopOf(one, 'the jump host', context)), hopOf(last, 'the SSH server', context)]
}

function hopOf(options: HopOptions, role: string, { agentSocket }: TunnelContext): Hop {
  const { host, port = 22, user, agent, password, passphrase, fingerprint } = options
  const name = nameOf(role, options)
  return {
    name,
    host,
    port,
    user,
    login: {
      password,
      passphrase,
      privateKeyFile: options.private_key_file,
      agent: agent === true ? agentOr(agentSocket, name) : agent || undefined,
    },
    hostKey: { fingerprint, knownHosts: options.known_hosts },
  }
}

function nameOf(role: string, { host, port = 22 }: HopOptions): string {
  return `${role} ${spellHost({ host, port })}`
}

function agentOr(socket: string | null, name: string): string {
  if (socket !== null) return socket
  throw new Fault('tunnel-refused', `there is no SSH agent for ${name}: SSH_AUTH_SOCK is not set`, {
    hint: 'start the service with SSH_AUTH_SOCK, or write agent: with the path of its socket, or private_key_file',
  })
}
