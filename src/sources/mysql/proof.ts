import { Fault, type FaultCode } from '../../core/faults.ts'
import type { Proof, RawInput } from '../source.ts'
import { createScanner, type Scan } from './scanner.ts'

/** The whole text is read, statement by statement, and the rows of every INSERT are counted. */
export async function prove(raw: RawInput, format: string): Promise<Proof> {
  const { scan, rawBytes } = await read(raw)
  refuseBroken(scan, format, 'proof-failed')
  if (format === 'sql') return { rawBytes, tables: [] }
  return { rawBytes, tables: scan.tables, objects: scan.objects }
}

/** @param only  of a restore of single tables: what is about nothing else */
export async function read(
  raw: RawInput,
  only: ReadonlySet<string> | null = null,
): Promise<{ scan: Scan; rawBytes: number | null }> {
  const scanner = createScanner(only)
  const rawBytes = await raw.intoProgram({ argv: ['cat'] }, scanner.take)
  return { scan: scanner.end(), rawBytes }
}

/** @throws Fault of the given code when it is cut, or no dump at all */
export function refuseBroken(scan: Scan, format: string, code: FaultCode): void {
  if (!scan.isWhole) throw new Fault(code, 'the dump stops in the middle of a statement')
  if (format === 'sql') return
  if (!scan.hasTrailer) throw new Fault(code, 'the dump does not end with "-- Dump completed": it is cut')
  if (scan.odd !== null) throw new Fault(code, `the dump holds what no dump program writes: ${scan.odd}`)
}
