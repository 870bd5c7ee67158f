import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../../core/faults.ts'
import type { RawInput } from '../../source.ts'
import type { Place } from '../place.ts'
import { tocName } from './finished.ts'
import { folderInput, type DumpInput } from './folder.ts'
import { plainName } from './inventory.ts'
import { fileWriter } from './proof.ts'
import { createTarReader } from './tar-reader.ts'

/** Works with the table of contents alone, which is enough for everything but rows. It lies at the front of the archive: the rest
 * may be missing.
 * @throws Fault restore-failed when not all of it is there · those of `work` */
export async function withToc<T>(
  place: Place,
  raw: RawInput,
  signal: AbortSignal,
  work: (dump: DumpInput) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(place.context.folder, 'toc-'))
  try {
    let isWhole = false
    const reader = createTarReader((member) =>
      plainName(member) === tocName && !isWhole
        ? fileWriter(join(folder, tocName), () => (isWhole = true))
        : null,
    )
    await raw.intoReader(reader.take)
    if (!isWhole) throw new Fault('restore-failed', `not all of ${tocName} is there`)
    return await work(folderInput(place, folder, signal))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
