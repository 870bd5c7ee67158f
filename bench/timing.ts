import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

/** How long something took, and the processor time of all its programs. */
export interface Cost {
  wallS: number
  cpuS: number
}

/** Runs a pipeline of stock tools as people write it; any stage that fails is an error.
 * @param env  added to the environment, for passwords */
export async function timeShell(script: string, env: Record<string, string>): Promise<Cost> {
  const begun = performance.now()
  const child = spawn('bash', ['-o', 'pipefail', '-c', `{ ${script}\n} && times`], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complained = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`${script}\nended with ${String(code)}: ${complained.slice(-2_000)}`)
  return { wallS: (performance.now() - begun) / 1_000, cpuS: childrenSeconds(said) }
}

/** The last line of `times`: user and system time of the children, as `0m1.234s 0m0.456s`. */
function childrenSeconds(said: string): number {
  const words = said.trim().split('\n').at(-1)!.split(' ')
  return words
    .map((word) => /(\d+)m([\d.]+)s/.exec(word)!)
    .reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
}

const ticksPerSecond = 100 // USER_HZ of Linux on every architecture that we run on

/** Processor time of a process and of the children it has waited for. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
}

/** Highest resident memory of a process since `forgetPeak`. */
export function peakMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5') // proc(5)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** @param share  0.99 for p99 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!
}
