import { strategyOfRequest } from '../core/model.ts'
import type { Engine } from './command.ts'
import { backupOf, isOne, knownStrategy, selectStrategies } from './select.ts'

/** What somebody is about to do something to. */
export interface About {
  /** Each of them has to allow it; empty: it is about none in particular. */
  strategies: readonly string[]
  /** Id of the request, run or backup, for the audit log. */
  subject: string | null
}

/** An optional strategy, tag:x or all: where it is not one it is about none in particular, and an answer holds what may be seen. */
export function aboutStrategy({ strategy }: { strategy?: string }, engine: Engine): About {
  const isNone = strategy === undefined || !isOne(engine, strategy)
  return { strategies: isNone ? [] : [knownStrategy(engine, strategy)], subject: null }
}

/** An optional strategy, tag:x or all: without a word it is about each of them. */
export async function aboutEach({ strategy }: { strategy?: string }, engine: Engine): Promise<About> {
  const strategies =
    strategy === undefined ? engine.strategyNames() : await selectStrategies(engine, strategy)
  return { strategies, subject: null }
}

/** `all`, `tag:x` or a strategy. @throws Fault not-found */
export async function aboutSelected({ what }: { what: string }, engine: Engine): Promise<About> {
  return { strategies: await selectStrategies(engine, what), subject: null }
}

/** @throws Fault usage · not-found */
export async function aboutBackup(
  given: { backup: string; strategy?: string },
  engine: Engine,
): Promise<About> {
  const asked = backupOf(engine, given.backup, given.strategy)
  const { view } = await engine.backup(asked.backup, asked.strategy)
  return { strategies: [view.strategy], subject: view.id }
}

/** A run, or a strategy that stands for one of its runs. @throws Fault not-found */
export async function aboutRun({ run }: { run: string }, engine: Engine): Promise<About> {
  if (engine.strategyNames().includes(run)) return { strategies: [run], subject: null }
  const found = await engine.run(run)
  return { strategies: [found.strategy], subject: found.id }
}

/** @throws Fault not-found */
export async function aboutRequest({ request }: { request: string }, engine: Engine): Promise<About> {
  const found = await engine.request(request)
  const strategy = strategyOfRequest(found) // of a file that no strategy made it is ''
  return { strategies: strategy === '' ? [] : [strategy], subject: found.id }
}
