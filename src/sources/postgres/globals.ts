import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { Inspection, Proof, RawInput, Sink } from '../source.ts'
import { databaseArgument, programEnvironment } from './environment.ts'
import { toolFault } from './faults.ts'
import type { Place } from './place.ts'
import { forServer, installed, type Program } from './programs.ts'
import { readScript } from './psql.ts'
import { settled, withSession } from './session.ts'
import { endpointOf } from './url.ts'

/** Roles, their memberships and settings, and tablespaces: the same file name in every backup of them. */
export const globalsFile = 'globals.sql'

export interface GlobalsInspection extends Inspection {
  client: Program
  /** The role may not read the hashes of passwords: roles are then dumped without. */
  withoutPasswords: boolean
}

export async function inspectGlobals(place: Place, signal: AbortSignal): Promise<GlobalsInspection> {
  const { context, folders } = place
  place.origin = await settled(place.origin, { context, signal }) // pg_dumpall then asks the server that was looked at
  const { origin } = place
  const facts = await withSession(origin, { context, signal }, async (session) => {
    const [row] = await session.rows<{ may: boolean }>(
      `SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS may`,
    )
    return { major: session.serverMajor, version: session.serverVersion, may: row!.may }
  })
  const client = forServer(await installed('pg_dumpall', folders, context, signal), facts.major)
  const warning = `the passwords of roles are left out: ${origin.user} may not read pg_authid`
  return {
    engine: {
      kind: 'postgres',
      name: 'PostgreSQL',
      serverVersion: facts.version,
      toolVersion: client.version,
    },
    method: 'pg_dumpall',
    format: 'globals',
    database: origin.database,
    endpoint: endpointOf(origin),
    hasTables: false,
    sizeBytes: null,
    warnings: facts.may ? [] : [warning],
    client,
    withoutPasswords: !facts.may,
  }
}

export async function dumpGlobals(
  place: Place,
  { client, withoutPasswords }: Pick<GlobalsInspection, 'client' | 'withoutPasswords'>,
  sink: Sink,
): Promise<void> {
  const { origin, context } = place
  const env = await programEnvironment(origin, context)
  const argv = [
    client.path,
    '--globals-only',
    '--no-password',
    ...(withoutPasswords ? ['--no-role-passwords'] : []),
    `--database=${databaseArgument(origin.database)}`,
  ]
  try {
    await sink.file(globalsFile).fromProgram({ argv, env })
  } catch (error) {
    throw toolFault(error, origin, 'dump-failed')
  }
}

const trailer = '-- PostgreSQL database cluster dump complete'

/** Read whole as psql would, up to the line that pg_dumpall writes last. */
export async function proveGlobals({ context }: Place, raw: RawInput): Promise<Proof> {
  const path = join(context.folder, 'globals-proof.sql')
  try {
    const rawBytes = await raw.intoFile(path)
    await readScript(path)
    const { roles, tablespaces, isComplete } = await lookThrough(path)
    if (!isComplete) throw new Fault('proof-failed', 'the dump of roles and tablespaces stops before its end')
    return { rawBytes, tables: [], objects: { ROLE: roles, TABLESPACE: tablespaces } }
  } finally {
    await rm(path, { force: true })
  }
}

async function lookThrough(
  path: string,
): Promise<{ roles: number; tablespaces: number; isComplete: boolean }> {
  const chunks: Buffer[] = []
  for await (const chunk of createReadStream(path)) chunks.push(chunk as Buffer)
  const lines = Buffer.concat(chunks).toString('utf8').split('\n')
  const begin = (words: string): number => lines.filter((line) => line.startsWith(words)).length
  return {
    roles: begin('CREATE ROLE '),
    tablespaces: begin('CREATE TABLESPACE '),
    isComplete: lines.slice(-10).includes(trailer),
  }
}
