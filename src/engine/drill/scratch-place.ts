import type { ScratchPlace } from '../../sources/source.ts'
import type { Run } from '../../state/runs.ts'

/** Where a drill restores to; the same after a crash. */
export function scratchPlace(url: string | null, { startedAt }: Pick<Run, 'startedAt'>): ScratchPlace {
  const at = new Date(startedAt ?? 0).toISOString()
  return { url, stamp: at.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_') }
}
