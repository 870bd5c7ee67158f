import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { Proof, RawInput } from '../source.ts'
import { toolFault } from './faults.ts'
import type { Place } from './place.ts'
import { forDump, installed } from './programs.ts'
import { readScript } from './psql.ts'
import { createRowCounter } from './row-counter.ts'
import { readSchema } from './schema.ts'

/** pg_restore decodes every block and writes it as SQL, and we count its rows. `pg_restore -l` would be satisfied
 * with the table of contents at the front of half a dump.
 * @param dumpMajor of the pg_dump that wrote it; null = not known here */
export async function prove(
  place: Place,
  { raw, dumpMajor }: { raw: RawInput; dumpMajor: number | null },
  signal: AbortSignal,
): Promise<Proof> {
  const program = forDump(await installed('pg_restore', place.folders, place.context, signal), dumpMajor)
  const counter = createRowCounter()
  const argv = [program.path, '--section=data', '--file=-'] // no function body can then look like a table
  const rawBytes = await raw.intoProgram({ argv }, counter.take).catch((error: unknown) => {
    throw toolFault(error, place.origin, 'proof-failed')
  })
  const { tables, complete } = counter.end()
  if (!complete) throw new Fault('proof-failed', 'the decoded dump stops in the middle of a table')
  if (raw.once) return { rawBytes, tables }
  const { objects } = await readSchema(program, { raw, database: null }).catch((error: unknown) => {
    throw toolFault(error, place.origin, 'proof-failed')
  })
  return { rawBytes, tables, objects }
}

/** Plain SQL has no parser but the server: it is read whole for what is no SQL, and its rows are not counted. */
export async function proveScript({ context }: Place, raw: RawInput): Promise<Proof> {
  const path = join(context.folder, 'proof.sql')
  try {
    const rawBytes = await raw.intoFile(path)
    await readScript(path)
    return { rawBytes, tables: [] }
  } finally {
    await rm(path, { force: true })
  }
}
