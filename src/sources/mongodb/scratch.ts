import { asFault, Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { Scratch, Scratches, ScratchPlace } from '../source.ts'
import { ask } from './ask.ts'
import { countObjects } from './catalogue.ts'
import { dropMarked, mark } from './mark.ts'
import { isBusy } from './operations.ts'
import type { Place } from './place.ts'
import { prove } from './proof.ts'
import { restore } from './restore.ts'
import { withSession } from './session.ts'
import { at } from './target.ts'
import { connectionTo, endpointOf, nameBeside, type Connection } from './url.ts'

/** On a server that somebody names: one of our own is not started, because nobody has tried that. */
export function scratches(place: Place): Scratches {
  const { context } = place
  return {
    room: () => 0, // all of it is the given server's
    async open(backup, where, signal) {
      const connection = scratchConnection(backup, where)
      const version = await withSession(
        connection,
        { context, signal },
        async (session) => session.serverVersion,
      )
      return scratchOf({ place, backup, where, connection, version })
    },
    async sweep(backup, where) {
      if (where.url !== null) await dropMarked(scratchConnection(backup, where), { context }, backup.id)
    },
  }
}

function scratchConnection({ database }: Manifest, { url, stamp }: ScratchPlace): Connection {
  if (url !== null) return at(connectionTo(url), nameBeside(database, 'drill', stamp))
  throw new Fault('drill-inconclusive', 'a drill of MongoDB needs a server that may hold the copy', {
    hint: 'name one with drill.database_url',
  })
}

interface Opened {
  place: Place
  backup: Manifest
  where: ScratchPlace
  /** To the database of the drill. */
  connection: Connection
  version: string
}

function scratchOf({ place, backup, where, connection, version }: Opened): Scratch {
  const { context } = place
  let isOurs = false
  return {
    server: `MongoDB ${version} at ${endpointOf(connection)}`,
    async restore(artifact, signal) {
      const request = {
        database: connection.database,
        url: null,
        stamp: where.stamp,
        noOwner: true,
        bare: true,
      }
      const restored = await restore(
        { ...place, restorer: connection },
        { backup, request, artifact },
        signal,
      ).catch((error: unknown) => {
        signal.throwIfAborted()
        throw judged(asFault(error))
      })
      isOurs = true
      await withSession(
        connection,
        { context, signal },
        ({ db }) => mark(db, { run: context.runId, backup: backup.id }), // until it is dropped it is nobody's database
      ).catch((error: unknown) => {
        if (asFault(error).code !== 'target-exists') throw error // rows were missing: the mark stayed
      })
      return restored
    },
    objectsOf: async (raw) => (await prove(raw)).objects ?? {},
    objects: (signal) =>
      withSession(connection, { context, signal }, async ({ db }) => ({
        counted: await countObjects(db),
        alike: true,
      })),
    ask: (question, signal) => ask(connection, question, { context, signal }),
    works: (signal) => isBusy(connection, { context, signal }),
    async close() {
      if (!isOurs) return null
      return dropMarked(connection, { context }, backup.id).then(
        () => null,
        (error: unknown) =>
          `database "${connection.database}" at ${endpointOf(connection)} (${asFault(error).message}): drop it by hand`,
      )
    },
  }
}

/** What says something about this server and nothing about the backup. */
const ofTheServer = /not authorized|\(Unauthorized\)|no space left|OutOfDiskSpace|did not answer/i

function judged(fault: Fault): Fault {
  const isTargets = ['target-exists', 'target-invalid', 'database-refused', 'database-unreachable', 'tool-missing'].includes(fault.code) // prettier-ignore
  if (!isTargets && !(fault.code === 'restore-failed' && ofTheServer.test(fault.message))) return fault
  return new Fault('drill-inconclusive', fault.message, {
    ...(fault.hint !== null && { hint: fault.hint }),
    cause: fault,
  })
}
