import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import type { TestContext } from 'node:test'

/** Removes a folder once everything else that a test ends has ended: node:test runs `t.after` in the order of registration, and a
 * folder, made first, would be removed under who still writes into it. What is registered while they run comes last. */
export function removeLast(t: TestContext, folder: string): void {
  t.after(() => t.after(() => rm(folder, { recursive: true, force: true })))
}

/** Ends a process the hard way, and waits until it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
