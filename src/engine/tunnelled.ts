import { asFault, Fault, type FaultCode } from '../core/faults.ts'
import { spellHost, type Host, type TunnelConfig } from '../core/tunnel.ts'
import type { CheckLine, Source } from '../sources/source.ts'
import { openForwarder, type Forwarder } from '../sys/net/forwarder.ts'
import type { Tunnel } from '../tunnels/tunnel.ts'
import type { EngineContext } from './context.ts'

/** The way to the servers of one source. */
export interface Way {
  /** This machine's end for a server that the strategy names; any other is reached as it is. */
  reach(host: Host): Host
  /** The source, whose faults say when it was the tunnel that failed; closing it closes the way. */
  around(source: Source): Source
}

/** Costs nothing but a port of this machine for each server: the tunnel itself is opened by whoever connects first. */
export async function openWay(
  context: EngineContext,
  config: TunnelConfig,
  hosts: readonly Host[],
): Promise<Way> {
  const trouble = createTrouble()
  const ends = new Map<string, Forwarder>()
  const tunnel = context.openTunnel(config, (fault) => {
    trouble.note({ fault, isSure: true })
    for (const end of ends.values()) end.reset()
  })
  const close = async (): Promise<void> => {
    await Promise.all([...ends.values()].map((end) => end.close()))
    await tunnel.close()
  }
  try {
    for (const host of hosts) {
      const name = spellHost(host)
      if (!ends.has(name)) ends.set(name, await openEnd(tunnel, host, trouble))
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    reach: (host) => {
      const end = ends.get(spellHost(host))
      return end ? { host: end.host, port: end.port } : host
    },
    around: (source) => tunnelled(source, { tunnel, trouble, close }),
  }
}

/** What went wrong on the way: surely the tunnel's own fault, or only that the far end closed first, as servers do, too. */
interface Trouble {
  count(): number
  note(found: { fault: Fault; isSure: boolean }): void
  /** The first since then that is sure, else the first. */
  since(count: number): { fault: Fault; isSure: boolean } | null
}

function createTrouble(): Trouble {
  const noted: { fault: Fault; isSure: boolean }[] = []
  return {
    count: () => noted.length,
    note: (found) => void noted.push(found),
    since(count) {
      const recent = noted.slice(count)
      return recent.find(({ isSure }) => isSure) ?? recent[0] ?? null
    },
  }
}

function openEnd(tunnel: Tunnel, host: Host, trouble: Trouble): Promise<Forwarder> {
  const where = spellHost(host)
  return openForwarder({
    onward: (gone) => tunnel.connect(host, gone),
    failed(error) {
      const text = `the connection to ${where} through ${tunnel.name} broke: ${asFault(error).message}`
      const fault = error instanceof Fault ? error : new Fault('tunnel-unreachable', text, { cause: error })
      trouble.note({ fault, isSure: true })
    },
    ended() {
      const text = `${tunnel.name} closed the connection to ${where}`
      trouble.note({ fault: new Fault('tunnel-unreachable', text), isSure: false })
    },
  })
}

interface Parts {
  tunnel: Tunnel
  trouble: Trouble
  close(): Promise<void>
}

/** What needs the server from the start: the tunnel is opened before, so that its own words come first. */
const opensFirst = new Set<string | symbol>(['series', 'inspect', 'dump'])

function tunnelled(source: Source, parts: Parts): Source {
  const { tunnel, trouble, close } = parts
  const explained = explaining(source, trouble)
  return new Proxy(explained, {
    get(target, key) {
      if (key === 'close') return () => source.close().finally(close)
      if (key === 'check')
        return (signal: AbortSignal) => checkThrough(tunnel, () => explained.check(signal), signal)
      const member = Reflect.get(target, key) as unknown
      if (!opensFirst.has(key) || typeof member !== 'function') return member
      return async (...given: unknown[]) => {
        await tunnel.ready(given.at(-1) as AbortSignal) // the last argument of each of them
        return (member as (...given: unknown[]) => Promise<unknown>)(...given)
      }
    },
  })
}

/** Every method of a part of a source, and of the parts that it holds. */
function explaining<Part extends object>(part: Part, trouble: Trouble): Part {
  return new Proxy(part, {
    get(target, key) {
      const member = Reflect.get(target, key) as unknown
      if (typeof member === 'object' && member !== null) return explaining(member, trouble)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        const before = trouble.count()
        const result: unknown = Reflect.apply(member, target, given)
        if (!(result instanceof Promise)) return result
        return result.catch((error: unknown) => Promise.reject(explained(error, trouble.since(before))))
      }
    },
  })
}

/** Faults by which a source says that its server went away. */
const wentAway = new Set<FaultCode>(['database-unreachable', 'dump-failed', 'tool-failed'])
/** Those by which it says that something is half done, which stays as it is said. */
const halfDone = new Set<FaultCode>(['restore-failed', 'drill-inconclusive', 'drill-failed'])

function explained(error: unknown, found: ReturnType<Trouble['since']>): unknown {
  if (found === null) return error
  const { fault, isSure } = found
  const said = asFault(error)
  if (isSure && wentAway.has(said.code)) return fault
  if (!wentAway.has(said.code) && !halfDone.has(said.code)) return error
  return new Fault(said.code, `${said.message}; ${fault.message}`, {
    ...((said.hint ?? fault.hint) !== null && { hint: (said.hint ?? fault.hint)! }),
    retry: said.retry,
    cause: error,
  })
}

/** Each hop by itself; the database only behind a tunnel that is open. */
async function checkThrough(
  tunnel: Tunnel,
  check: () => Promise<CheckLine[]>,
  signal: AbortSignal,
): Promise<CheckLine[]> {
  const hops = (await tunnel.check(signal)).map((hop) => ({ name: 'tunnel', ...hop }))
  return hops.every(({ ok }) => ok) ? [...hops, ...(await check())] : hops
}
