import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { asFault, Fault } from '../../core/faults.ts'
import type { Artifact, Manifest } from '../../core/model.ts'
import { serverFolder } from '../../sys/strays.ts'
import type { RawInput, Restored, Scratch, Scratches, ScratchPlace } from '../source.ts'
import { hasLibraries, type Flavour, type Version } from './flavour.ts'
import { markName, nameBeside, quoted } from './names.ts'
import type { Place } from './place.ts'
import { read } from './proof.ts'
import { restore } from './restore.ts'
import type { Scan } from './scanner.ts'
import { inconclusive, startServer, type ScratchServer } from './scratch-server.ts'
import { withServer, withSession, type Session, type SessionNeeds } from './session.ts'
import { connectionTo, endpointOf, type Connection } from './url.ts'

const emptyBytes = 200 * 1024 ** 2 // a new server with its logs
const usualRatio = 5 // of raw to compressed, where nobody counted
const growth = 3 // tables and indexes are larger than their dump, and the log holds some of them once more

export function scratches(
  place: Place,
  works: (at: Connection, signal: AbortSignal) => Promise<boolean>,
): Scratches {
  const { context } = place
  return {
    room: ({ storedBytes, rawBytes }) => emptyBytes + (rawBytes ?? storedBytes * usualRatio) * growth,
    async open(backup, at, signal) {
      const server = at.url === null ? await startServer(context, flavourOf(backup), signal) : null
      try {
        const found = server ?? (await givenServer(place, at.url!, signal))
        const connection = { ...found.connection, database: nameOf(backup, at) }
        return scratchOf({ place, backup, at, server, connection, version: found.version }, works)
      } catch (error) {
        await server?.close()
        throw error
      }
    },
    async sweep(backup, at, signal) {
      await rm(dirname(serverFolder(context.folder, context.runId)), { recursive: true, force: true })
      if (at.url === null) return
      await dropOurs({ ...connectionTo(at.url), database: nameOf(backup, at) }, { context, signal })
    },
  }
}

/** What the other one takes of a dump says nothing about it. */
function flavourOf({ engine }: Manifest): Flavour {
  return engine.name === 'MySQL' ? 'MySQL' : 'MariaDB'
}

function nameOf({ database }: Manifest, { stamp }: ScratchPlace): string {
  return nameBeside(database, 'drill', stamp)
}

async function givenServer(
  { context }: Place,
  url: string,
  signal: AbortSignal,
): Promise<{ connection: Connection; version: Version }> {
  const connection = connectionTo(url)
  return {
    connection,
    version: await withServer(connection, { context, signal }, async ({ version }) => version),
  }
}

interface Opened {
  place: Place
  backup: Manifest
  at: ScratchPlace
  /** null: a given one. */
  server: ScratchServer | null
  /** To the database of the drill. */
  connection: Connection
  version: Version
}

function scratchOf(
  opened: Opened,
  works: (at: Connection, signal: AbortSignal) => Promise<boolean>,
): Scratch {
  const { connection, server, version, backup } = opened
  const { context } = opened.place
  const called = `${version.flavour} ${version.text}`
  return {
    server: server ? `a scratch ${called}` : `${called} at ${endpointOf(connection)}`,
    restore: (artifact, signal) => restoreInto(opened, artifact, signal),
    objectsOf: async (raw: RawInput) => lasting((await read(raw)).scan),
    async objects(signal) {
      const counted = await withSession(connection, { context, signal }, countObjects)
      return { counted, alike: version.flavour === backup.engine.name }
    },
    ask: (sql, signal) => ask(connection, sql, { context, signal }),
    works: (signal) => works(connection, signal),
    async close() {
      if (server) return server.close()
      try {
        await dropOurs(connection, { context, signal: null })
        return null
      } catch (error) {
        return `database "${connection.database}" at ${endpointOf(connection)} (${asFault(error).message}): drop it by hand`
      }
    },
  }
}

async function restoreInto(
  { place, backup, at, connection, version }: Opened,
  artifact: (artifact: Artifact) => Promise<RawInput>,
  signal: AbortSignal,
): Promise<Restored> {
  const request = { database: connection.database, url: null, stamp: at.stamp, noOwner: true, bare: true }
  const there = { ...place, restorer: connection, live: connection }
  return restore(there, { backup, request, artifact }, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    throw judged(asFault(error), backup, version)
  })
}

/** What says something about this server and nothing about the backup. */
const ofTheServer =
  /Unknown (?:storage engine|collation|character set|system variable)|is not loaded|access denied|denied to user|keeps a binary log|no space left|disk (?:is )?full|The table '.*' is full|out of memory|max_allowed_packet|server has gone away|lost connection/i

function judged(fault: Fault, { engine }: Manifest, version: Version): Fault {
  const isServers = fault.code === 'restore-failed' && ofTheServer.test(fault.message)
  const isTargets = ['target-exists', 'target-invalid', 'busy', 'database-refused'].includes(fault.code)
  if (isServers || isTargets) return inconclusive(fault.message, fault)
  const [major = 0, minor = 0] = engine.serverVersion.split('.').map(Number)
  const isAlike = engine.name === version.flavour && version.number >= major * 100 + minor
  if (isAlike || !['restore-failed', 'restore-incomplete'].includes(fault.code)) return fault
  return inconclusive(
    `${fault.message}; ${version.flavour} ${version.text} may not take what ${engine.name} ${engine.serverVersion} takes, where the backup is from`,
    fault,
  )
}

/** An event whose time is over is not there after a restore, and nothing is wrong. */
function lasting({ objects, passing }: Scan): Record<string, number> {
  const { EVENT = 0, ...others } = objects
  return EVENT > passing ? { ...others, EVENT: EVENT - passing } : others
}

/** By the names that dumps have for them. */
async function countObjects({ rows, version }: Session): Promise<Record<string, number>> {
  const found = await rows<{ kind: string; count: number }>(
    `SELECT CASE TABLE_TYPE WHEN 'BASE TABLE' THEN 'TABLE' WHEN 'SYSTEM VERSIONED' THEN 'TABLE' ELSE TABLE_TYPE END AS kind, COUNT(*) AS count
       FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> ? GROUP BY kind
     UNION ALL SELECT ROUTINE_TYPE, COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() GROUP BY ROUTINE_TYPE
     UNION ALL SELECT 'TRIGGER', COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
     UNION ALL SELECT 'EVENT', COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()
       AND NOT (ON_COMPLETION = 'NOT PRESERVE' AND (EVENT_TYPE = 'ONE TIME' OR ENDS IS NOT NULL))
     ${hasLibraries(version) ? "UNION ALL SELECT 'LIBRARY', COUNT(*) FROM information_schema.LIBRARIES WHERE LIBRARY_SCHEMA = DATABASE()" : ''}`,
    [markName],
  )
  const counted = found.map(({ kind, count }) => [kind, Number(count)] as const)
  return Object.fromEntries(counted.filter(([, count]) => count > 0))
}

const answerMs = 5 * 60_000 // a question to all rows of a large table

/** What a question itself answers; anything else is trouble of the server, the connection or what they have to give. */
const ofTheConnection = ['database-unreachable', 'database-missing', 'database-locked']

async function ask(
  connection: Connection,
  sql: string,
  needs: Pick<SessionNeeds, 'context' | 'signal'>,
): Promise<string | null> {
  try {
    const [row] = await withSession(connection, { ...needs, deadlineMs: answerMs }, async ({ rows }) => {
      await rows('START TRANSACTION READ ONLY')
      return rows<Record<string, unknown>>(sql.replace(/;\s*$/, ''))
    })
    const [value] = Object.values(row ?? {})
    return value == null ? null : textOf(value)
  } catch (error) {
    needs.signal?.throwIfAborted()
    const { message, code, cause } = asFault(error)
    if (/query read timeout/.test(message))
      throw new Fault('timed-out', 'it was not answered within five minutes', { cause: error, retry: false })
    const number = (cause as { errno?: number } | undefined)?.errno ?? 0
    const isAnswer =
      number > 1000 &&
      number < 2000 &&
      !ofTheConnection.includes(code) &&
      ![1142, 1143, 1227].includes(number)
    throw isAnswer ? new Fault('restore-incomplete', message, { cause: error }) : inconclusive(message, error)
  }
}

function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const dropMs = 5 * 60_000 // removing the files of a large database

/** The database of this drill and no other of its name: it has the mark, or nothing at all yet. */
async function dropOurs(
  { database, ...server }: Connection,
  needs: Pick<SessionNeeds, 'context' | 'signal'>,
): Promise<void> {
  await withServer({ ...server, database }, { ...needs, deadlineMs: dropMs }, async ({ rows }) => {
    const tables = await rows<{ name: string }>(
      'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?',
      [database],
    )
    if (tables.length > 0 && !tables.some(({ name }) => name === markName)) return
    await rows(`DROP DATABASE IF EXISTS ${quoted(database)}`)
  })
}
