import { faultTable, type FaultCode } from '../core/faults.ts'
import type { RunState, RunView } from '../core/model.ts'

/** The documented exit codes, for help and README: `0 everything went well`, then the fault table. */
function exitCodes(): { exit: number; code: string; means: string }[] {
  const faults = Object.entries(faultTable).map(([code, { exit, means }]) => ({ exit, code, means }))
  return [{ exit: 0, code: 'ok', means: 'everything went well' }, ...faults].toSorted(
    (a, b) => a.exit - b.exit,
  )
}

export function exitCodeLines(): string[] {
  const widest = Math.max(...exitCodes().map(({ code }) => code.length))
  return exitCodes().map(
    ({ exit, code, means }) => `${String(exit).padStart(3)}  ${code.padEnd(widest)}  ${means}`,
  )
}

/** The exit code of a run that has ended: its fault's, whether it failed or only one place failed it. */
export function exitOfRun(run: RunView): number {
  if (run.state === 'skipped') return 0 // its reason is no fault: there was nothing to do
  return run.fault ? faultTable[run.fault.code].exit : faultTableExit(withoutFault[run.state])
}

const withoutFault: Record<RunState, FaultCode | null> = {
  queued: null,
  running: null,
  succeeded: null,
  degraded: null,
  skipped: null,
  failed: 'internal',
  cancelled: 'cancelled',
  interrupted: 'interrupted',
}

function faultTableExit(code: FaultCode | null): number {
  return code === null ? 0 : faultTable[code].exit
}
