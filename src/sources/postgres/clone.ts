import { basename } from 'node:path'
import { asFault, Fault } from '../../core/faults.ts'
import type { Cloning } from '../source.ts'
import { calledNow, identityOf } from './identity.ts'
import { quoted } from './names.ts'
import type { Place } from './place.ts'
import { psqlFor, runScripts } from './psql.ts'
import { withSession } from './session.ts'
import { serverIdentity, withServer } from './target.ts'
import type { Connection } from './url.ts'

const vacuumMs = 24 * 60 * 60_000 // of a large database; the run's own limits hold as well
const renameMs = 30_000 // it takes milliseconds, but waits for a worker of the server to leave

export function cloning(place: Place): Cloning {
  const { live, context } = place
  return {
    identify: (name, signal) =>
      withServer(live, { context, signal }, (server) => identityOf(server, { place, name })),
    called: (id, _name, signal) =>
      withServer(live, { context, signal }, (server) => calledNow(server, { place, id })),
    server: (signal) => withServer(live, { context, signal }, (server) => serverIdentity(live, server)),
    async sanitize(name, paths, signal) {
      const connection = { ...live, database: name }
      const changed: number[] = []
      for (const path of paths) changed.push(await runFile(place, { connection, path }, signal))
      await forget(place, connection, signal)
      return changed
    },
    name: (from, to) => rename(place, { from, to }),
  }
}

/** @returns how many rows it changed */
async function runFile(
  place: Place,
  { connection, path }: { connection: Connection; path: string },
  signal: AbortSignal,
): Promise<number> {
  const psql = await psqlFor(place, signal)
  let rows = 0
  let line = ''
  // answers to SELECT come here, too: they hold people's data and are only looked at
  const onOutput = (chunk: Buffer): void => {
    const lines = `${line}${chunk.toString('latin1')}`.split('\n')
    line = lines.pop()!.slice(-mostOfLine)
    for (const tag of lines) rows += changedBy(tag)
  }
  const scripts = { psql, connection, paths: [path], atomic: true, guarded: true, signal, onOutput }
  await runScripts(place, scripts).catch((error: unknown) => {
    signal.throwIfAborted()
    const { code, message, hint } = asFault(error)
    if (code !== 'restore-failed') throw error
    throw new Fault('sanitize-failed', `${basename(path)}: ${message}`, {
      ...(hint === null ? {} : { hint }),
      cause: error,
    })
  })
  return rows
}

const mostOfLine = 1024 // a command's answer is short; a row of data may be long

/** https://www.postgresql.org/docs/current/protocol-message-formats.html (CommandComplete) */
function changedBy(tag: string): number {
  return Number(/^(?:INSERT \d+|UPDATE|DELETE|MERGE|COPY) (\d+)$/.exec(tag)?.[1] ?? 0)
}

/** Rows that were changed lie in the files until they are vacuumed, and the planner's statistics quote values. They are gathered
 * for the first time here: a copy is restored as a draft. */
async function forget(place: Place, connection: Connection, signal: AbortSignal): Promise<void> {
  const needs = { context: place.context, signal, deadlineMs: vacuumMs }
  await withSession(connection, needs, (session) => session.rows('VACUUM (ANALYZE)'))
}

async function rename(
  place: Place,
  { from, to }: { from: { name: string; id: string }; to: string },
): Promise<void> {
  const needs = { context: place.context, signal: null, deadlineMs: renameMs }
  await withServer(place.live, needs, async (server) => {
    if ((await identityOf(server, { place, name: from.name })) !== from.id)
      throw new Fault('stale', `"${from.name}" is another database than before`, {
        hint: 'nothing was changed',
      })
    await server
      .rows(`ALTER DATABASE ${quoted(from.name)} RENAME TO ${quoted(to)}`)
      .catch((error: unknown) => {
        const { code } = error as { code?: string }
        if (code === '42P04')
          // https://www.postgresql.org/docs/current/errcodes-appendix.html (duplicate_database)
          throw new Fault('target-exists', `database "${to}" exists now`, { cause: error })
        const { message } = asFault(error)
        throw new Fault('restore-failed', `the copy could not be named "${to}": ${message}`, { cause: error })
      })
  })
}
