import { asFault, Fault } from '../../core/faults.ts'
import type { Restored } from '../source.ts'
import { markName, nameBeside, quoted } from './names.ts'
import { createCode, dropCode, scriptOf, takeInventory, type Code, type Inventory } from './objects.ts'
import type { Place } from './place.ts'
import { withServer, withSession, type Session, type SessionNeeds } from './session.ts'
import { brokenReference, wayOut } from './references.ts'
import type { TargetState } from './target.ts'
import type { Connection } from './url.ts'

export interface Overwriting {
  /** Of what is overwritten. */
  connection: Connection
  /** Of the run, in the names of the databases that it makes. */
  stamp: string
  state: TargetState
  /** Of single tables a dump's triggers are left out: then those that are there stay. */
  keepsTriggers: boolean
  /** Restores into a database that does not exist yet, counts, and compares. */
  fill: (connection: Connection) => Promise<Restored>
}

const renameMs = 10 * 60_000 // it waits for statements that run in the tables

/** Replaces what the backup holds in a database that is in use. It is restored into a database of its own and counted there; then one statement
 * moves the old tables out and the new ones in, all or none, also in a crash. Views, triggers, routines and events cannot be moved:
 * they are made anew right after, and the old ones are written down beside the old tables first (decision 0015).
 * @throws Fault restore-failed; then everything is as it was, or the hint says where the old data is */
export async function overwrite(place: Place, job: Overwriting, signal: AbortSignal): Promise<Restored> {
  const { connection, stamp } = job
  const { context } = place
  const work = { ...connection, database: nameBeside(connection.database, 'new', stamp) }
  const kept = { ...connection, database: nameBeside(connection.database, 'before', stamp) }
  const restored = await job.fill(work)
  const needs = { context, signal: null, deadlineMs: renameMs } // from here on it is carried through, or taken back
  try {
    signal.throwIfAborted()
    await exchange({ job, work, kept }, needs)
  } catch (error) {
    await drop(work, needs)
    throw error
  }
  const left = [await drop(work, needs), await drop(kept, needs)].filter((text) => text !== null)
  return { ...restored, warnings: [...restored.warnings, ...left] }
}

interface Exchange {
  job: Overwriting
  work: Connection
  kept: Connection
}

async function exchange({ job, work, kept }: Exchange, needs: SessionNeeds): Promise<void> {
  const fresh = await withSession(work, needs, async (session) => {
    const inventory = await takeInventory(session)
    refuseBroken(await brokenReference(session, work.database, inventory.tables))
    return inventory
  })
  await withSession(job.connection, needs, async (session) => {
    const old = replacedBy(await takeInventory(session), fresh)
    refuseForeignDefiners(old.code, job.state)
    refuseBroken(await brokenReference(session, job.connection.database, old.tables))
    await keepCode({ kept, job }, old.code, needs)
    const moves = {
      old,
      fresh,
      names: { live: job.connection.database, work: work.database, kept: kept.database },
    }
    const made: Code[] = []
    try {
      await untilFree(session, old.tables)
      await dropTriggers({ work, fresh }, needs)
      await dropCode(session, old.code)
      await move(session, moves)
      const kept = job.keepsTriggers ? old.code.filter(({ kind }) => kind === 'TRIGGER') : []
      await createCode(session, [...fresh.code, ...kept], made)
    } catch (error) {
      throw await takeBack(session, { ...moves, made, error })
    }
  })
}

/** What has a name that the backup brings; views and tables share theirs. */
function replacedBy(all: Inventory, fresh: Inventory): Inventory {
  const relations = new Set([...fresh.tables, ...fresh.code.filter(isView).map(({ name }) => name)])
  const named = new Set(fresh.code.map(({ kind, name }) => `${kind} ${name}`))
  const tables = all.tables.filter((name) => relations.has(name))
  const code = all.code.filter(
    (one) =>
      named.has(`${one.kind} ${one.name}`) ||
      (isView(one) && relations.has(one.name)) ||
      (one.table !== null && tables.includes(one.table)),
  )
  return { tables, code }
}

function isView({ kind }: Code): boolean {
  return kind === 'VIEW'
}

/** They could not be made again if something fails. */
function refuseForeignDefiners(code: readonly Code[], { mayNameOthers, account }: TargetState): void {
  const foreign = code.find(({ sql }) => {
    const [, user, host] = /DEFINER\s*=\s*[`"](.+?)[`"]@[`"](.+?)[`"]/.exec(sql) ?? []
    return user !== undefined && `${user}@${host}` !== account
  })
  if (!foreign || mayNameOthers) return
  throw new Fault(
    'target-invalid',
    `${foreign.kind} "${foreign.name}" in the target runs as somebody else, which this user may not restore if something fails`,
    {
      hint: 'nothing was changed; give restore.database_url of a user with SET USER (MariaDB) or SET_ANY_DEFINER (MySQL), or restore beside',
    },
  )
}

/** @throws Fault target-invalid */
function refuseBroken(reference: string | null): void {
  if (reference !== null)
    throw new Fault('target-invalid', reference, { hint: `nothing was changed; ${wayOut}` })
}

const codeName = 'easy_backup_code'

/** For whoever comes after a crash. */
async function keepCode(
  { kept, job }: Pick<Exchange, 'kept' | 'job'>,
  code: readonly Code[],
  needs: SessionNeeds,
): Promise<void> {
  await withServer(kept, needs, ({ rows }) => rows(`CREATE DATABASE ${quoted(kept.database)}`))
  await withSession(kept, needs, async ({ rows }) => {
    const comment = `easy-backup: what ${job.connection.database} held before a restore`
    await rows(`CREATE TABLE ${quoted(markName)} (note INT) COMMENT = ?`, [comment])
    await rows(`CREATE TABLE ${quoted(codeName)} (definitions LONGTEXT CHARACTER SET utf8mb4)`)
    await rows(`INSERT INTO ${quoted(codeName)} VALUES (?)`, [scriptOf(code)])
  })
}

const noRightToLock = 1044

/** Whoever still works in the tables is waited for while nothing is dropped yet: what writes without its triggers cannot be taken back. */
async function untilFree({ rows }: Session, tables: readonly string[]): Promise<void> {
  await rows('SET SESSION lock_wait_timeout = 10') // until then everybody else waits, too
  if (tables.length === 0) return
  await rows(`LOCK TABLES ${tables.map((name) => `${quoted(name)} WRITE`).join(', ')}`).catch(
    (error: { errno?: number }) => {
      if (error.errno !== noRightToLock) throw error
    },
  )
  await rows('UNLOCK TABLES')
}

/** A table with triggers does not move to another database. */
async function dropTriggers(
  { work, fresh }: { work: Connection; fresh: Inventory },
  needs: SessionNeeds,
): Promise<void> {
  const triggers = fresh.code.filter(({ kind }) => kind === 'TRIGGER')
  await withSession(work, needs, (there) => dropCode(there, triggers))
}

interface Moves {
  old: Inventory
  fresh: Inventory
  names: { live: string; work: string; kept: string }
}

async function move({ rows }: Session, { old, fresh, names }: Moves): Promise<void> {
  const out = old.tables.map((name) => renaming(name, names.live, names.kept))
  const into = fresh.tables.map((name) => renaming(name, names.work, names.live))
  if (out.length + into.length > 0) await rows(`RENAME TABLE ${[...out, ...into].join(', ')}`)
}

function renaming(name: string, from: string, to: string): string {
  return `${quoted(from)}.${quoted(name)} TO ${quoted(to)}.${quoted(name)}`
}

/** @returns what to throw: everything is as it was, or where the old data is */
async function takeBack(
  session: Session,
  { old, fresh, names, made, error }: Moves & { made: Code[]; error: unknown },
): Promise<Fault> {
  const { message, code, hint } = asFault(error)
  try {
    const [moved] = await session.rows<{ count: number }>(
      'SELECT COUNT(*) AS count FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME NOT IN (?, ?)',
      [names.kept, markName, codeName],
    )
    await dropCode(session, made)
    const isMoved = Number(moved!.count) > 0 || (old.tables.length === 0 && fresh.tables.length > 0)
    if (isMoved) {
      const out = fresh.tables.map((name) => renaming(name, names.live, names.work))
      const into = old.tables.map((name) => renaming(name, names.kept, names.live))
      await session.rows(`RENAME TABLE ${[...out, ...into].join(', ')}`)
    }
    const there = (await takeInventory(session)).code.map(({ kind, name }) => `${kind} ${name}`)
    await createCode(
      session,
      old.code.filter(({ kind, name }) => !there.includes(`${kind} ${name}`)),
    )
    await session.rows(`DROP DATABASE ${quoted(names.kept)}`)
    return new Fault(code === 'internal' ? 'restore-failed' : code, `the exchange failed: ${message}`, {
      hint: hint ?? 'everything is as it was',
      cause: error,
    })
  } catch (again) {
    return new Fault('restore-failed', `the exchange failed: ${message}`, {
      hint: `the old tables are in database "${names.kept}" or still in "${names.live}", the old views, triggers and routines in "${names.kept}".${codeName} (${asFault(again).message})`,
      cause: error,
    })
  }
}

/** @returns that it is still there, in words, or null */
async function drop({ database, ...server }: Connection, needs: SessionNeeds): Promise<string | null> {
  return withServer({ ...server, database }, needs, ({ rows }) =>
    rows(`DROP DATABASE IF EXISTS ${quoted(database)}`),
  ).then(
    () => null,
    (error: unknown) =>
      `database "${database}", which is of this restore, could not be dropped (${asFault(error).message}): a table of another database may refer to it; see to that, and drop it by hand`,
  )
}
