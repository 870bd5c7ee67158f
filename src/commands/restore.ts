import { Type, type Static } from 'typebox'
import { Fault } from '../core/faults.ts'
import type { RestoreAsk } from '../engine/facade.ts'
import { defineCommand, type Engine } from './command.ts'
import { backupField, lineField, strategyField } from './fields.ts'
import { some, strategyOf } from './select.ts'
import { quoted } from './words.ts'

const args = Type.Object({
  what: Type.Optional(backupField('a strategy, a backup, its last four characters, or latest')),
  backup: Type.Optional(backupField('a backup of that strategy, or latest')),
  strategy: Type.Optional(strategyField('whose backup')),
  database: Type.Optional(lineField('database name', 'the database that was backed up', { maxLength: 255 })),
  targetDb: Type.Optional(
    lineField('database name', 'restore into this new database instead of <name>_restore_<time>', {
      maxLength: 255,
    }),
  ),
  targetUrl: Type.Optional(
    lineField('database URL', 'restore into this server and database', { maxLength: 2000, writeOnly: true }),
  ),
  noOwner: Type.Optional(
    Type.Boolean({ description: 'leave owners and grants out, when roles are missing on the target' }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: 'show the plan, change nothing' })),
  reason: Type.Optional(lineField('reason of one line', 'why, kept with the request', { maxLength: 500 })),
})

export const restore = defineCommand({
  name: 'restore',
  aliases: [],
  summary: 'Plan a restore into a new database; it starts when you confirm',
  usage:
    '(<backup> | <strategy> [backup] | latest) [--strategy NAME] [--database NAME] [--target-db NAME | --target-url URL] [--no-owner] [--dry-run] [--reason TEXT]',
  role: 'restore',
  open: false,
  faces: ['slack', 'cli'],
  args,
  positional: ['what', 'backup'],
  later: ['in-place', 'clean', 'force', 'from', 'jobs', 'table', 'strict-sniff', 'allow-sql-fallback'],
  async run(given, { engine, actor }) {
    if (given.targetUrl !== undefined && actor.via === 'slack')
      throw new Fault('denied', 'a database URL is never typed into Slack', {
        hint: 'use `easy-backup restore … --target-url` on the host, and change that password',
      })
    if (given.targetDb?.includes('/') && actor.via === 'slack')
      throw new Fault('denied', 'a path on the host is never typed into Slack', {
        hint: 'write the name of a new database, or use `easy-backup restore … --target-db` on the host',
      })
    if (given.targetUrl !== undefined && given.targetDb !== undefined)
      throw new Fault('usage', '--target-db and --target-url exclude each other', {
        hint: 'the URL names the database too',
      })
    const ask = await askOf(given, engine)
    if (given.dryRun) return { type: 'plan', request: await engine.planRestore(ask, actor), dryRun: true }
    return { type: 'plan', request: await engine.requestRestore(ask, actor), dryRun: false }
  },
})

async function askOf(given: Static<typeof args>, engine: Engine): Promise<RestoreAsk> {
  const chosen = choose(given, engine)
  return {
    ...chosen,
    backup: given.database ? await ofDatabase(chosen, given.database, engine) : chosen.backup,
    targetDb: given.targetDb ?? null,
    targetUrl: given.targetUrl ?? null,
    noOwner: given.noOwner ?? false,
    reason: given.reason ?? null,
  }
}

interface Chosen {
  backup: string
  strategy: string | null
}

/** The first word is a strategy when one is called so, else a backup. */
function choose(given: Static<typeof args>, engine: Engine): Chosen {
  const names = engine.strategyNames()
  const isStrategy =
    given.what !== undefined &&
    given.strategy === undefined &&
    (given.backup !== undefined || names.includes(given.what))
  const strategy = isStrategy ? given.what : given.strategy
  const backup = given.backup ?? (isStrategy ? 'latest' : given.what)
  if (strategy === undefined && backup === undefined)
    throw new Fault('usage', '`restore` needs a backup or a strategy', {
      hint: `\`restore <strategy>\` takes its newest backup; strategies: ${some(names)}`,
    })
  const wanted = backup ?? 'latest'
  return { backup: wanted, strategy: strategyOf(engine, wanted, strategy) }
}

async function ofDatabase({ backup, strategy }: Chosen, database: string, engine: Engine): Promise<string> {
  if (backup !== 'latest') {
    const { view } = await engine.backup(backup, strategy)
    if (view.series === database) return view.id
    throw new Fault('not-found', `backup ${quoted(view.id)} is of database ${quoted(view.series)}`, {
      hint: 'leave --database out',
    })
  }
  const backups = await engine.backups({ database, limit: 100, ...(strategy ? { strategy } : {}) })
  const good = backups.filter(({ corrupt }) => corrupt === null).sort((a, b) => b.createdAt - a.createdAt)
  if (good[0]) return good[0].id
  throw new Fault('not-found', `there is no backup of database ${quoted(database)}`, {
    hint: '`list` shows the backups there are',
  })
}
