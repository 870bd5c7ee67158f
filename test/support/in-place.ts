import type { RequestView, RunView } from '../../src/core/model.ts'
import type { RestoreAsk } from '../../src/engine/facade.ts'
import type { PostgresServer } from './postgres.ts'
import { person, type World } from './world.ts'

/** Asks for the oldest backup, of the good days, in place of its own database. */
export async function askInPlace(
  world: World,
  strategy: string,
  more: Partial<RestoreAsk> = {},
): Promise<RequestView> {
  const backup = (await world.engine.backups({ strategy, limit: 99 })).at(-1)
  const { plan } = await world.engine.planRestore(asking(strategy, backup!.id, more), person)
  const ask = { ...asking(strategy, backup!.id, more), typed: plan.target.name }
  return world.engine.requestRestore(ask, person)
}

export async function restoreInPlace(
  world: World,
  strategy: string,
  more: Partial<RestoreAsk> = {},
): Promise<RunView> {
  const request = await askInPlace(world, strategy, more)
  const { run } = await world.engine.confirm(request.id, request.version, person)
  return world.finish(run!)
}

function asking(strategy: string, backup: string, more: Partial<RestoreAsk>): RestoreAsk {
  return {
    backup,
    strategy,
    targetDb: null,
    targetUrl: null,
    noOwner: false,
    reason: 'bad migration',
    inPlace: true,
    ...more,
  }
}

/** What there is of this name and beside it. */
export async function databasesLike(server: PostgresServer, name: string): Promise<string[]> {
  const rows = await server.query(
    `SELECT datname FROM pg_database WHERE datname ~ '^${name}(_|$)' ORDER BY 1`,
  )
  return rows.map(({ datname }) => String(datname))
}
