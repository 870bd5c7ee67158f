import { Fault } from '../core/faults.ts'
import type { IncidentView } from '../core/incidents.ts'
import { strategyOfRequest } from '../core/model.ts'
import type { Engine, Gate, Person } from './command.ts'

const look = { command: 'list', role: 'view', open: true } as const

/** The engine as this person may see it: strategies they may not look at are not there. */
export async function seenBy(
  person: Person,
  { engine, gate }: { engine: Engine; gate: Gate },
): Promise<Engine> {
  const names = engine.strategyNames()
  const answers = await Promise.all(names.map((strategy) => gate.may(person, { ...look, strategy })))
  const seen = names.filter((_, at) => answers[at])
  if (seen.length === names.length && (await gate.may(person, { ...look, strategy: null }))) return engine
  return onlySeen(engine, seen)
}

/** The engine with these strategies alone. */
export function onlySeen(engine: Engine, names: readonly string[]): Engine {
  const isSeen = ({ strategy }: { strategy: string }): boolean => names.includes(strategy)
  const mine = async <T extends { strategy: string }>(found: Promise<T>): Promise<T> => {
    const one = await found
    if (isSeen(one)) return one
    throw new Fault('not-found', 'there is no such run, or you may not look at it')
  }
  const within = (among: readonly string[] = names): string[] => names.filter((name) => among.includes(name))
  return {
    ...engine,
    strategyNames: () => [...names],
    strategies: async () => (await engine.strategies()).filter(({ name }) => names.includes(name)),
    run: (id) => mine(engine.run(id)),
    runs: async (filter) => (await engine.runs(filter)).filter(isSeen),
    backups: (filter) => engine.backups({ ...filter, among: within(filter.among) }),
    history: (filter) => engine.history({ ...filter, among: within(filter.among) }),
    backup: async (id, strategy) => {
      const found = await engine.backup(id, strategy).catch(withoutNames)
      if (isSeen(found.view)) return found
      throw new Fault('not-found', 'there is no such backup, or you may not look at it', { hint: listHint })
    },
    retention: async (strategy) => (await engine.retention(strategy)).filter(isSeen),
    requests: async () => (await engine.requests()).filter((one) => names.includes(strategyOfRequest(one))),
    incidents: async () => (await engine.incidents()).flatMap((one) => partOf(one, names)),
    dashboard: (among) => engine.dashboard(within(among)),
    digest: (among) => engine.digest(within(among)),
    schedule: (limit, among) => engine.schedule(limit, within(among)),
    health: async () => {
      const health = await engine.health()
      const of = Object.entries(health.strategies.last_backup_status).filter(([name]) => names.includes(name))
      return {
        ...health,
        strategies: { total: names.length, last_backup_status: Object.fromEntries(of) },
      }
    },
  }
}

/** Trouble of others is theirs; of trouble they share, their own part. */
function partOf(incident: IncidentView, names: readonly string[]): IncidentView[] {
  const members = incident.members.filter(({ strategy }) => names.includes(strategy))
  if (members.length === incident.members.length) return [incident]
  return members.length === 0 ? [] : [{ ...incident, members, troubled: members.length }]
}

const listHint = '`list` shows what there is'

/** What is near may be nobody's to see. */
function withoutNames(error: unknown): never {
  if (error instanceof Fault && error.code === 'not-found')
    throw new Fault(error.code, error.message, { hint: listHint })
  throw error
}
