import { Fault } from '../core/faults.ts'
import type { Artifact, Manifest, TableRows } from '../core/model.ts'

/** @throws Fault target-invalid */
export function onlyArtifact({ artifacts, engine }: Manifest): Artifact {
  const [artifact] = artifacts
  if (!artifact || artifacts.length > 1)
    throw new Fault(
      'target-invalid',
      `a ${engine.name} backup has one file, this one has ${artifacts.length}`,
    )
  return artifact
}

/** Is each of the wanted tables there with all of its rows? @param wanted  null: nobody counted them */
export function holds(found: readonly TableRows[], wanted: readonly TableRows[] | null): boolean {
  const rows = new Map(found.map((table) => [table.name, table.rows]))
  return wanted === null || wanted.every((table) => rows.get(table.name) === table.rows)
}

/** Why it failed, and what is left of it. @param why  the target could not be removed */
export function withLeftover(fault: Fault, { database }: { database: string }, why: Fault): Fault {
  const hint = `database "${database}" is incomplete and could not be dropped (${why.message}): drop it by hand`
  return new Fault(fault.code, fault.message, { hint, cause: fault })
}

/** As a word of a shell, quoted where it has to be. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
