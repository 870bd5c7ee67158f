import { Fault } from '../../core/faults.ts'
import type { Proof, RawInput } from '../source.ts'
import { toolFault } from './faults.ts'
import type { Place } from './place.ts'
import { forDump, installed } from './programs.ts'
import { createRowCounter } from './row-counter.ts'

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
  return { rawBytes, tables }
}
