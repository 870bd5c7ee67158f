import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { Fault } from '../../../src/core/faults.ts'
import { channel, hashOfPostgres, hashOfSqlite, type House, type StrategyName } from './house.ts'

/** One thing that somebody asks for at the beginning of a round. */
export type Work =
  | { what: 'backup'; strategy: StrategyName; via: 'command' | 'slack' }
  | { what: 'restore'; strategy: StrategyName }
  | { what: 'verify'; strategy: StrategyName }
  | { what: 'list' }
  | { what: 'sync' }

/** Something to look at when the round is over. */
export type Afterwards = () => Promise<void>

/** @returns what to look at afterwards; null when it was refused, which is an answer too */
export async function ask(house: House, work: Work): Promise<Afterwards | null> {
  try {
    switch (work.what) {
      case 'backup':
        return await askBackup(house, work)
      case 'restore':
        return await askRestore(house, work.strategy)
      case 'verify':
        return await house.withApp(async ({ engine, person }) => {
          const { view } = await engine.backup('latest', work.strategy)
          await engine.startVerify(view.id, 'V2', person.actor)
          return null
        })
      case 'list':
        await house.slack.command('alice', channel, '/backup list')
        return null
      case 'sync':
        await house.withApp((app) => app.engine.syncCatalogue())
        return null
    }
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}

async function askBackup(house: House, work: Extract<Work, { what: 'backup' }>): Promise<null> {
  if (work.via === 'slack') await house.slack.command('alice', channel, `/backup run ${work.strategy}`)
  else
    await house.withApp((app) =>
      app.engine.startBackup(work.strategy, { trigger: 'person', actor: app.person.actor }),
    )
  return null
}

async function askRestore(house: House, strategy: StrategyName): Promise<Afterwards> {
  return house.withApp(async ({ engine, person }) => {
    const wanted = {
      backup: 'latest',
      strategy,
      targetDb: null,
      targetUrl: null,
      noOwner: false,
      reason: null,
    }
    const request = await engine.requestRestore(wanted, person.actor)
    const { run } = await engine.confirm(request.id, request.version, person.actor)
    return () => judgeRestore(house, { strategy, run: run!, target: request.plan.target.name })
  })
}

/** Complete or failed (promise 13); then the copy goes. */
async function judgeRestore(
  house: House,
  { strategy, run, target }: { strategy: StrategyName; run: string; target: string },
): Promise<void> {
  const { state } = await house.withApp((app) => app.engine.run(run))
  if (state === 'succeeded') {
    const restored =
      strategy === 'notes' ? hashOfSqlite(target) : await hashOfPostgres(house.postgres, strategy, target)
    assert.equal(restored, house.original[strategy], `restore ${run} brought other rows back`)
  }
  if (strategy === 'notes') rmSync(target, { force: true })
  else await house.postgres.query(`DROP DATABASE IF EXISTS "${target}" WITH (FORCE)`)
}
