import { appendFileSync } from 'node:fs'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../../core/faults.ts'
import type { Proof, RawInput } from '../../source.ts'
import { toolFault } from '../faults.ts'
import type { Place } from '../place.ts'
import { forDump, installed, type Program } from '../programs.ts'
import { createRowCounter } from '../row-counter.ts'
import { readSchema, textOf } from '../schema.ts'
import { tocName } from './finished.ts'
import { folderInput } from './folder.ts'
import { createInventory, type Inventory } from './inventory.ts'
import { createTarReader, type MemberReader } from './tar-reader.ts'

/** Reads the archive once, without unpacking it: the rows of each table are counted as they pass, and its table of contents alone
 * goes to the disk, where pg_restore says which tables there have to be.
 * @param dumpMajor of the pg_dump that wrote it; null = not known here
 * @throws Fault proof-failed when it is cut, or a file is missing, incomplete, unknown or of another dump */
export async function proveDirectory(
  place: Place,
  { raw, dumpMajor }: { raw: RawInput; dumpMajor: number | null },
  signal: AbortSignal,
): Promise<Proof> {
  const { context, folders, origin } = place
  const program = forDump(await installed('pg_restore', folders, context, signal), dumpMajor)
  const folder = join(context.folder, 'proof.dir')
  await mkdir(folder, { mode: 0o700 })
  try {
    const inventory = createInventory(() => fileWriter(join(folder, tocName)))
    const archive = createTarReader(inventory.open)
    const rawBytes = await raw.intoReader(archive.take)
    judged(archive.end)
    judged(inventory.requireToc)
    const dump = folderInput(place, folder, signal)
    const names = await namesOf(program, { dump, folder, inventory })
    const { objects } = await readSchema(program, { raw: dump, database: null })
    return { rawBytes, tables: judged(() => inventory.tables(names)), objects }
  } catch (error) {
    throw toolFault(error, origin, 'proof-failed')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function judged<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Fault || (error as NodeJS.ErrnoException).code) throw error
    throw new Fault('proof-failed', (error as Error).message, { cause: error })
  }
}

/** Small, and written at once: bytes that pass by do not wait. Nothing stays open when they end too early. */
export function fileWriter(path: string, done: () => void = () => undefined): MemberReader {
  return { take: (chunk) => appendFileSync(path, chunk, { mode: 0o600 }), end: done }
}

const tableRows = /^(\d+); 0 \d+ TABLE DATA /
const largeObjects = /^(\d+); 0 \d+ BLOBS /

/** Which table each file holds, and which lists of large objects there have to be. The list shows names as they cannot be read back;
 * so pg_restore is asked for the statements, with a file without rows for each table, in the order in which it is told the tables. */
async function namesOf(
  program: Program,
  { dump, folder, inventory }: { dump: Pick<RawInput, 'intoProgram'>; folder: string; inventory: Inventory },
): Promise<ReadonlyMap<string, string>> {
  const lines = (await textOf(dump, [program.path, '--list'])).split('\n')
  const idsOf = (kind: RegExp): string[] => lines.flatMap((line) => kind.exec(line)?.[1] ?? [])
  judged(() => inventory.requireLists(idsOf(largeObjects)))
  const ids = idsOf(tableRows)
  if (ids.length === 0) return new Map()
  const list = join(folder, 'tables.list')
  await writeFile(list, lines.filter((line) => tableRows.test(line)).join('\n'), { mode: 0o600 })
  await writeFile(join(folder, 'no-rows'), '\\.\n\n\n', { mode: 0o600 })
  for (const id of ids) await symlink('no-rows', join(folder, `${id}.dat`))
  const tables: string[] = []
  const counter = createRowCounter((table) => void tables.push(table))
  const argv = [program.path, '--section=data', `--use-list=${list}`, '--file=-']
  await dump.intoProgram({ argv }, counter.take)
  if (!counter.end().complete || tables.length !== ids.length)
    throw new Fault('proof-failed', `pg_restore finds ${tables.length} of ${ids.length} tables in the dump`)
  return new Map(ids.map((id, at) => [id, tables[at]!]))
}
