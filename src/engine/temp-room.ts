import { Fault } from '../core/faults.ts'
import { fileFault, hasErrno } from '../sys/files.ts'
import { ToolFailure } from '../sys/process.ts'
import type { Run } from '../state/runs.ts'

/** The folder of unfinished work is full, and not a place, a server or the disk of a restore's target: only then kept dumps give way. */
export class TempFull extends Fault {
  constructor(tempDir: string, cause: unknown) {
    super('disk-full', `there is no space left in temp_dir (${tempDir})`, {
      hint: `free some space there, or point temp_dir to a larger disk; \`df -h ${tempDir}\` shows how full it is`,
      cause,
    })
  }
}

/** What is read of a place goes into temp_dir. */
export function asSpoolFault(error: unknown, tempDir: string): unknown {
  return hasErrno(error, 'ENOSPC', 'EDQUOT') ? new TempFull(tempDir, error) : error
}

const fullWords = /no space left on device|disk quota exceeded/i

/** A local program or file operation that met a full disk is the disk's fault. Places and servers say themselves that they are full;
 * all else is written into temp_dir, but for what a restore writes. */
export function asDiskFault(
  error: unknown,
  { tempDir, kind }: { tempDir: string; kind: Run['kind'] },
): unknown {
  const { cause } = error as Error
  const isLocal =
    error instanceof Fault && error.code === 'disk-full'
      ? cause instanceof ToolFailure
      : hasErrno(error, 'ENOSPC', 'EDQUOT') ||
        hasErrno(cause, 'ENOSPC', 'EDQUOT') ||
        (error instanceof ToolFailure && fullWords.test(error.lastWords.join('\n')))
  if (!isLocal || error instanceof TempFull) return fileFault(error, 'a file operation failed')
  if (kind !== 'restore') return new TempFull(tempDir, error)
  return new Fault('disk-full', `the disk is full: ${(error as Error).message}`, {
    hint: 'make room on the disk that the restore writes to, then ask for it again',
    cause: error,
  })
}
