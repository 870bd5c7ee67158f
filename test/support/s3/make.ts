import { silentLog } from '../../../src/core/log.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { Storage } from '../../../src/storages/storage.ts'
import { createBucket, usualLimits, type Limits } from '../../../src/storages/s3/client.ts'
import { openS3 } from '../../../src/storages/s3/index.ts'
import { settingsOf } from '../../../src/storages/s3/options.ts'
import { fastClock } from '../fast-clock.ts'
import { systemClock } from '../../../src/sys/clock.ts'

export interface MakeS3 {
  /** Over the options of the stand-in: `part_size`, `base_path` … */
  own?: Record<string, unknown>
  /** Default: the machine's time; `impatient` for faults. */
  clock?: Clock
  limits?: Partial<Limits>
}

/** The `s3` driver on a stand-in or a real server. */
export function openBucket(
  options: (own?: Record<string, unknown>) => Record<string, unknown>,
  { own = {}, clock = systemClock, limits = {} }: MakeS3 = {},
): Storage {
  const written = { base_path: 'backups/shop', part_size: '5MiB', ...own }
  const context = { clock, log: silentLog }
  return openS3('s3', createBucket(settingsOf(options(written)), context, { ...usualLimits, ...limits }))
}

/** Pauses between tries pass 200 times as fast, at the machine's own date: signatures need it. */
export function impatient(): Clock {
  return fastClock(200, Date.now())
}
