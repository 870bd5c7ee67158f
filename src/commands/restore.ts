import { nearest } from '../core/nearest.ts'
import { resolve } from 'node:path'
import { Type, type Static } from 'typebox'
import { Fault } from '../core/faults.ts'
import type { RestoreAsk } from '../engine/facade.ts'
import { defineCommand, type Engine } from './command.ts'
import { backupField, lineField, strategyField, reasonField } from './fields.ts'
import { keyFileField, keyPath, refuseKeyFile } from './key-file.ts'
import { knownStrategy, some, strategyOf } from './select.ts'
import { quoted } from './words.ts'

const args = Type.Object({
  what: Type.Optional(backupField('a strategy, a backup, its last four characters, or latest')),
  backup: Type.Optional(backupField('a backup of that strategy, or latest')),
  strategy: Type.Optional(strategyField('whose backup')),
  database: Type.Optional(lineField('database name', 'the database that was backed up', { maxLength: 255 })),
  targetDb: Type.Optional(
    lineField('database name', 'restore into this new database instead of `<name>_restore_<time>`', {
      maxLength: 255,
    }),
  ),
  targetUrl: Type.Optional(
    lineField('database URL', 'restore into this server and database', { maxLength: 2000, writeOnly: true }),
  ),
  from: Type.Optional(
    lineField(
      'path or s3://bucket/key',
      'restore this file, manifest or folder; the catalogue is not asked',
      {
        maxLength: 2000,
      },
    ),
  ),
  table: Type.Optional(
    Type.Array(
      lineField('table name', 'only this table, as schema.table; may be given again', { maxLength: 200 }),
      {
        title: 'table name',
        description: 'only this table, as schema.table; may be given again',
        maxItems: 100,
      },
    ),
  ),
  clean: Type.Optional(
    Type.Boolean({ description: 'overwrite what is in the target, all or nothing (admins)' }),
  ),
  inPlace: Type.Optional(
    Type.Boolean({ description: 'in place of the database itself, which is kept for `restore.undo`' }),
  ),
  force: Type.Optional(Type.Boolean({ description: 'with --in-place: drop live sessions' })),
  typed: Type.Optional(lineField('name', 'the name of what is overwritten, once more', { maxLength: 255 })),
  jobs: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 64, title: 'number from 1 to 64', description: 'tables at a time' }),
  ),
  strictSniff: Type.Optional(
    Type.Boolean({ description: 'refuse a file that is not what its name and the configuration say' }),
  ),
  keyFile: Type.Optional(keyFileField()),
  allowSqlFallback: Type.Optional(
    Type.Boolean({ description: 'let plain SQL be run; it stops at the first error' }),
  ),
  noOwner: Type.Optional(
    Type.Boolean({ description: 'leave owners and grants out, when roles are missing on the target' }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: 'show the plan, change nothing' })),
  reason: Type.Optional(reasonField('why, kept with the request')),
})

export const restore = defineCommand({
  name: 'restore',
  aliases: [],
  summary: 'Plan a restore into a new database; it starts when you confirm',
  usage:
    '(<backup> | <strategy> [backup] | latest | --from PATH_OR_URL) [--strategy NAME] [--database NAME] [--target-db NAME | --target-url URL] [--in-place [--force]] [--table NAME] [--clean] [--jobs N] [--no-owner] [--key-file PATH] [--strict-sniff] [--allow-sql-fallback] [--dry-run] [--reason TEXT]',
  role: 'restore',
  open: false,
  faces: ['slack', 'cli'],
  args,
  positional: ['what', 'backup'],
  about: async (given, engine) => ({ strategies: await whose(given, engine), subject: null }),
  async run(given, { engine, gate, person, actor }) {
    if (actor.via === 'slack') refuseOnSlack(given)
    refuseKeyFile(given.keyFile, actor)
    if (given.targetUrl !== undefined && given.targetDb !== undefined)
      throw new Fault('usage', '--target-db and --target-url exclude each other', {
        hint: 'the URL names the database too',
      })
    refuseTwoTargets(given)
    const ask = await askOf(given, engine)
    if (ask.clean) {
      const [strategy = null] = await whose(given, engine)
      await gate.allow(person, { command: 'restore --clean', role: 'admin', open: false, strategy })
    }
    if (given.dryRun) return { type: 'plan', request: await engine.planRestore(ask, actor), dryRun: true }
    return { type: 'plan', request: await engine.requestRestore(ask, actor), dryRun: false }
  },
})

function refuseTwoTargets({ inPlace, clean, force, ...given }: Static<typeof args>): void {
  if (!inPlace && !force) return
  if (force && !inPlace)
    throw new Fault('usage', '--force is for --in-place', {
      hint: 'leave it out: nobody works in a new database',
    })
  const isElsewhere =
    given.targetDb !== undefined || given.targetUrl !== undefined || given.from !== undefined
  if (clean || isElsewhere)
    throw new Fault('usage', '--in-place names the target itself', {
      hint: 'leave --clean, --from, --target-db and --target-url out',
    })
}

/** The strategy whose backup or server it is; empty when the configuration does not name it. */
async function whose(given: Static<typeof args>, engine: Engine): Promise<string[]> {
  const { backup, strategy } = given.from === undefined ? choose(given, engine) : fromFile(given, engine)
  if (strategy !== null) return [strategy]
  return given.from === undefined ? [(await engine.backup(backup, null)).view.strategy] : []
}

/** Paths, passwords and programs belong on the host. */
function refuseOnSlack(given: Static<typeof args>): void {
  if (given.targetUrl !== undefined)
    throw new Fault('denied', 'a database URL is never typed into Slack', {
      hint: 'use `easy-backup restore … --target-url` on the host, and change that password',
    })
  if (given.targetDb?.includes('/') || given.from !== undefined)
    throw new Fault('denied', 'a path on the host is never typed into Slack', {
      hint: 'write the name of a new database, or use `easy-backup restore …` on the host',
    })
  if (given.allowSqlFallback)
    throw new Fault('denied', 'plain SQL is for the command line', {
      hint: 'use `easy-backup restore …` on the host',
    })
}

async function askOf(given: Static<typeof args>, engine: Engine): Promise<RestoreAsk> {
  const chosen = given.from === undefined ? choose(given, engine) : fromFile(given, engine)
  return {
    ...chosen,
    backup:
      given.database && given.from === undefined
        ? await ofDatabase(chosen, given.database, engine)
        : chosen.backup,
    ...(given.table ? { tables: given.table } : {}),
    ...(given.clean ? { clean: true } : {}),
    ...(given.inPlace ? { inPlace: true } : {}),
    ...(given.force ? { force: true } : {}),
    ...(given.typed === undefined ? {} : { typed: given.typed }),
    ...(given.jobs === undefined ? {} : { jobs: given.jobs }),
    ...(given.strictSniff ? { strictSniff: true } : {}),
    ...(given.allowSqlFallback ? { allowSqlFallback: true } : {}),
    ...(given.keyFile === undefined ? {} : { keyFile: keyPath(given.keyFile) }),
    targetDb: given.targetDb ?? null,
    targetUrl: given.targetUrl ?? null,
    noOwner: given.noOwner ?? false,
    reason: given.reason ?? null,
  }
}

interface Chosen {
  backup: string
  strategy: string | null
  from?: string
}

/** The only plain word beside `--from` may be a strategy. */
function fromFile(given: Static<typeof args>, engine: Engine): Chosen {
  const { what, backup, database } = given
  if (backup !== undefined || database !== undefined || (what !== undefined && given.strategy !== undefined))
    throw new Fault('usage', '--from names the backup itself', {
      hint: 'leave the backup and --database out',
    })
  const name = given.strategy ?? what
  return {
    backup: '',
    strategy: name === undefined ? null : knownStrategy(engine, name),
    // a service that carries it out has another working folder
    from: /^s3:/i.test(given.from!) ? given.from! : resolve(given.from!),
  }
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

/** @throws Fault not-found */
export async function ofDatabase(
  { backup, strategy }: Chosen,
  database: string,
  engine: Engine,
): Promise<string> {
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
  const known = (await engine.strategies()).flatMap((one) => one.databases ?? []).map(({ name }) => name)
  const near = nearest(database, known)
  throw new Fault('not-found', `there is no backup of database ${quoted(database)}`, {
    hint: near !== null && near !== database ? `did you mean ${near}?` : '`list` shows the backups there are',
  })
}
