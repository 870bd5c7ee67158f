import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'

/** In the environment of every child: the run it belongs to (decision: children die with us). */
export const runVariable = 'EASY_BACKUP_RUN'

/** In the environment of what was started together, and of all that it starts. */
export const callVariable = 'EASY_BACKUP_CALL'

/** Says which process holds something, also after its pid was given to another. */
export interface Identity {
  pid: number
  /** Start time in clock ticks since boot, field 22 of /proc/<pid>/stat; null where there is no /proc. */
  startTicks: number | null
  bootId: string | null
}

export function identityOf(pid: number): Identity {
  return { pid, startTicks: startTicks(pid), bootId: bootId() }
}

export function isAlive(identity: Identity): boolean {
  if (identity.bootId !== bootId()) return false
  if (identity.startTicks !== null) return startTicks(identity.pid) === identity.startTicks
  try {
    process.kill(identity.pid, 0)
    return true
  } catch {
    return false
  }
}

/** Ends every process that carries one of these runs in its environment, and waits until they are gone.
 * @returns how many there were */
export async function endStrays(runIds: ReadonlySet<string>, clock: Clock): Promise<number> {
  const found = strays(runIds)
  for (let round = 0; strays(runIds).length > 0 && round < 50; round++) {
    for (const pid of strays(runIds)) signalQuietly(pid, 'SIGKILL')
    await clock.sleep(100)
  }
  return found.length
}

/** Pids of living processes (zombies not counted) that work for one of these runs. */
export function strays(runIds: ReadonlySet<string>): number[] {
  return processIds().filter((pid) => {
    const run = runOf(pid)
    return run !== null && runIds.has(run) && pid !== process.pid
  })
}

/** Processor time of a run's processes so far, in clock ticks: fields 14 and 15 of /proc/<pid>/stat. */
export function processorTicks(runId: string): number {
  const ticks = strays(new Set([runId])).map((pid) => {
    const fields = statFields(pid)
    return fields ? Number(fields[11]) + Number(fields[12]) : 0
  })
  return ticks.reduce((sum, one) => sum + one, 0)
}

/** Tells everybody of one call who is in none of these groups, such as what is in a session of its own. */
export function signalCall(
  call: string,
  signal: NodeJS.Signals,
  groups: ReadonlySet<number | undefined>,
): void {
  for (const pid of processIds())
    if (valueOf(pid, callVariable) === call && !groups.has(groupOf(pid))) signalQuietly(pid, signal)
}

function groupOf(pid: number): number {
  return Number(statFields(pid)?.[2])
}

function runOf(pid: number): string | null {
  return valueOf(pid, runVariable) || runOfServer(pid)
}

function valueOf(pid: number, variable: string): string | null {
  const prefix = `${variable}=`
  const entry = readQuietly(`/proc/${pid}/environ`)
    ?.split('\0')
    .find((pair) => pair.startsWith(prefix))
  return entry ? entry.slice(prefix.length) : null
}

/** Folder of a server's files, in the private folder of its run: processes of such a server are known by working in it, because
 * PostgreSQL's write their title over their environment. */
export function serverFolder(folder: string, runId: string): string {
  return `${folder}/server-${runId}/data`
}

const inServerFolder = /\/server-([^/]+)\/data(?: \(deleted\))?$/

function runOfServer(pid: number): string | null {
  try {
    return inServerFolder.exec(readlinkSync(`/proc/${pid}/cwd`))?.[1] ?? null
  } catch {
    return null // another user's, or gone
  }
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return [] // no /proc on this system
  }
}

function startTicks(pid: number): number | null {
  const fields = statFields(pid)
  return !fields || fields[0] === 'Z' ? null : Number(fields[19])
}

/** Fields of /proc/<pid>/stat from the third on. The name in the second may hold spaces and brackets, so they are counted after its last one. */
function statFields(pid: number): string[] | null {
  const stat = readQuietly(`/proc/${pid}/stat`)
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function bootId(): string | null {
  return readQuietly('/proc/sys/kernel/random/boot_id')?.trim() ?? null
}

function readQuietly(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}
