import type { FaultCode } from '../../core/faults.ts'
import { channelFor } from '../../core/messages.ts'
import type { RunView } from '../../core/model.ts'
import { driverOf, type EngineContext } from '../context.ts'

/** What strategies that fail have in common: the same fault in the same place, told in the same channel. */
export interface Reason {
  /** Of the incident that they are told by. */
  subject: string
  kind: 'place' | 'shared'
  /** The place, the database server, or this machine. */
  where: string
}

const aboutPlaces: readonly FaultCode[] = ['storage-unreachable', 'storage-missing', 'storage-denied']

/** Why a backup failed, as far as others may fail for the same reason. When no place took it, the first one's fault is told. */
export function reasonOf(context: EngineContext, run: Pick<RunView, 'strategy' | 'fault'>): Reason {
  const code = run.fault?.code ?? 'internal'
  const storage = context.config.strategies.find(({ name }) => name === run.strategy)?.storages[0]
  if (storage !== undefined && aboutPlaces.includes(code)) return placeReason(context, run.strategy, storage)
  const where = serverOf(context, run.strategy, code) ?? context.host
  return shared(context, run.strategy, { code, where })
}

export function placeReason(context: EngineContext, strategy: string, storage: string): Reason {
  const subject = `place/${storage}/${channelOf(context, strategy)}`
  return { subject, kind: 'place', where: storage }
}

/** Backups are missing and nothing says why: then it is about this machine. */
export function overdueReason(context: EngineContext, strategy: string): Reason {
  return shared(context, strategy, { code: 'overdue', where: context.host })
}

function shared(
  context: EngineContext,
  strategy: string,
  { code, where }: { code: string; where: string },
): Reason {
  const subject = `reason/${code}/${where}/${channelOf(context, strategy)}`
  return { subject, kind: 'shared', where }
}

/** `host:port`, or the tunnel that failed; null for a file, and for what the server has no part in. */
function serverOf(context: EngineContext, name: string, code: string): string | null {
  const strategy = context.config.strategies.find((one) => one.name === name)
  const tunnel = strategy?.source.tunnel
  if (tunnel && code.startsWith('tunnel-')) return context.openTunnel(tunnel, () => {}).name
  if (!strategy || !code.startsWith('database-')) return null
  const facts = driverOf(context, strategy.source.kind).parseUrl(strategy.source.url)
  return 'endpoint' in facts && !facts.endpoint.startsWith('/') ? facts.endpoint : null
}

/** Clients whose alarms go to channels of their own do not hear of each other. */
function channelOf({ config }: EngineContext, name: string): string {
  const routing = config.strategies.find((one) => one.name === name)?.slack ?? config.slack?.routing
  return routing ? channelFor(routing, 'failure') : ''
}
