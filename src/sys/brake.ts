import { identityOf, isAlive, type Identity } from './strays.ts'

/** Holds a program up and lets it go on: for a producer that no pipe can slow down. Harmless before it has started and after it has
 * ended. One that is held does not end at TERM: release it first. */
export interface Brake {
  /** For `Command.started`. */
  started: (pid: number) => void
  hold: () => void
  release: () => void
}

export function createBrake(): Brake {
  let program: Identity | null = null
  let isHeld = false

  function set(held: boolean): void {
    if (held === isHeld || program === null || !isAlive(program)) return
    isHeld = held
    try {
      process.kill(program.pid, held ? 'SIGSTOP' : 'SIGCONT')
    } catch {
      // it has just ended by itself
    }
  }

  return {
    started: (pid) => void (program = identityOf(pid)),
    hold: () => set(true),
    release: () => set(false),
  }
}
