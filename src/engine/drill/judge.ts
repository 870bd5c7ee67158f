import type { DrillVerdict } from '../../core/drill.ts'
import { formatDuration } from '../../core/duration.ts'
import { asFault, type FaultCode } from '../../core/faults.ts'
import { ToolFailure } from '../../sys/process.ts'
import type { Rehearsal } from './rehearse.ts'

/** What a drill says, and about whom. */
export interface Judgement {
  verdict: DrillVerdict
  /** null when it passed. */
  why: string | null
  /** The same without names of tables and without what they hold, for places that must not learn them. */
  discreet: string | null
  hint: string | null
  /** What it shows of the backup. `bad`: it was restored and is not what it should be, so it is not offered any more. `unreadable`:
   * the object that was fetched is to blame. `good` also of one that is only slow. */
  shows: 'good' | 'bad' | 'unreadable' | 'nothing'
}

interface Finding {
  why: string
  discreet: string
}

const noOffer =
  'the backup is not offered for restore until a drill of it passes; drill an older one with `drill STRATEGY ID`'

const noKey = 'name the file with the private key: encryption.identity_file'

/** Of a restore that came to its end. */
export function findings(found: Rehearsal, maxDurationMs: number | null, engine: string): Judgement {
  const objects = otherObjects(found)
  const bad = [...otherRows(found), ...(found.objects?.alike ? objects : []), ...failedChecks(found)]
  if (bad.length > 0) return { verdict: 'fail', ...joined(bad), hint: noOffer, shows: 'bad' }
  const { restoreMs } = found
  if (maxDurationMs !== null && restoreMs !== null && restoreMs > maxDurationMs) {
    const why = `the restore took ${formatDuration(restoreMs)}, longer than drill.max_duration (${formatDuration(maxDurationMs)})`
    const hint = 'the backup itself is good; give the restore a faster machine, or raise drill.max_duration'
    return { verdict: 'fail', why, discreet: why, hint, shows: 'good' }
  }
  if (objects.length === 0) return { verdict: 'pass', why: null, discreet: null, hint: null, shows: 'good' }
  const { why, discreet } = joined(objects)
  const because = `, and another version of ${engine} may count them otherwise`
  const hint = 'install the server programs of the backup’s own major version'
  return { verdict: 'inconclusive', why: why + because, discreet: discreet + because, hint, shows: 'nothing' }
}

function joined([first, ...more]: Finding[]): Finding {
  const rest = more.length > 0 ? `; and ${more.length} more` : ''
  return { why: first!.why + rest, discreet: first!.discreet + rest }
}

function otherRows({ expected, restored }: Rehearsal): Finding[] {
  const [before, now] = [expected, restored].map(
    (tables) => new Map((tables ?? []).map(({ name, rows }) => [name, rows])),
  ) as [Map<string, number>, Map<string, number>]
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((name) => before.get(name) !== now.get(name))
    .map((name) => ({
      why: before.has(name)
        ? `table ${name} has ${now.get(name) ?? 'no'} rows instead of ${before.get(name)}`
        : `table ${name} is not in the manifest`,
      discreet: 'a table has other rows than the manifest says',
    }))
}

function otherObjects({ objects }: Rehearsal): Finding[] {
  if (!objects) return []
  const { expected, found } = objects
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .filter((kind) => (expected[kind] ?? 0) !== (found[kind] ?? 0))
    .map((kind) => `${found[kind] ?? 0} ${kind} were restored instead of ${expected[kind] ?? 0}`)
    .map((why) => ({ why, discreet: why }))
}

function failedChecks({ checks }: Rehearsal): Finding[] {
  return checks
    .filter(({ ok }) => !ok)
    .map(({ name, found, expected }) => ({
      why: `the check "${name}" found ${found ?? 'no answer'}, expected ${expected}`,
      discreet: 'a check does not hold',
    }))
}

/** What speaks against the backup when it stops a drill. */
const ofTheBackup: readonly FaultCode[] = ['restore-failed', 'restore-incomplete']
/** Of what is stored; what the fetch itself finds is noted about the copy already. */
const ofTheObject: readonly FaultCode[] = ['object-corrupt', 'object-missing', 'proof-failed']
const noVerdict: readonly FaultCode[] = ['cancelled', 'interrupted', 'internal']

/** Of one that came to no end: what it met tells whether that is the backup's fault or this machine's.
 * @throws the fault itself when it says nothing at all */
export function verdictOf(error: unknown): Judgement {
  const fault = asFault(error)
  if (noVerdict.includes(fault.code)) throw error
  const wasKilled = fault.cause instanceof ToolFailure && fault.cause.exitSignal !== null
  const shows = wasKilled
    ? 'nothing'
    : ofTheBackup.includes(fault.code)
      ? 'bad'
      : ofTheObject.includes(fault.code)
        ? 'unreadable'
        : 'nothing'
  return {
    verdict: shows === 'nothing' ? 'inconclusive' : 'fail',
    why: fault.message,
    discreet: shows === 'bad' ? 'the restore stopped at an error' : fault.message,
    hint: shows === 'bad' ? noOffer : fault.code === 'key-missing' ? noKey : fault.hint,
    shows,
  }
}
