import { freeBytes } from '../../../sys/files.ts'
import type { SourceContext } from '../../source.ts'

const lookMs = 200 // in which fast disks take some ten megabytes
const mostReserve = 256 * 1024 * 1024
const smallestShare = 20 // of what was free at first

/** Tables that are being written lie uncompressed in temp_dir, and nothing holds pg_dump up: before the disk is full for everybody
 * the dump fails, as on a full disk. Ends with the signal. */
export async function watchRoom(
  context: Pick<SourceContext, 'clock' | 'said'>,
  { folder, fail }: { folder: string; fail: (error: unknown) => void },
  signal: AbortSignal,
): Promise<void> {
  try {
    const reserve = Math.min(mostReserve, (await freeBytes(folder)) / smallestShare)
    for (;;) {
      await context.clock.sleep(lookMs, signal)
      if ((await freeBytes(folder)) >= reserve) continue
      context.said(
        'pg_dump',
        'temp_dir is nearly full: options.jobs needs room for the largest tables, uncompressed',
      )
      return fail(Object.assign(new Error('temp_dir is nearly full'), { code: 'ENOSPC', errno: -28 }))
    }
  } catch (error) {
    if (!signal.aborted) fail(error)
  }
}
