import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { passed, type Check } from '../../core/checks.ts'
import type { Strategy } from '../../core/config.ts'
import type { EngineContext } from '../context.ts'

/** Is each program of `hooks` there? None is run. */
export function checkHooks(context: EngineContext, strategies: readonly Strategy[]): Check[] {
  return strategies.flatMap((strategy) => {
    const { before = [], after = [], onFailure = [] } = strategy.hooks ?? {}
    const programs = [...new Set([...before, ...after, ...onFailure].map(([program]) => program!))]
    if (programs.length === 0) return []
    const name = `${strategy.name} hooks`
    const missing = programs.filter((program) => !isThere(context, program))
    if (missing.length === 0) return [passed(name, programs.join(', '))]
    return missing.map((program): Check => ({
      name,
      state: 'failed',
      text: `the program ${program} is not there, or may not be executed`,
      hint: isAbsolute(program) ? `make it executable: chmod +x ${program}` : 'install it, or write its path',
    }))
  })
}

function isThere({ processes }: EngineContext, program: string): boolean {
  if (!isAbsolute(program)) return processes.find(program) !== null
  try {
    accessSync(program, constants.X_OK)
    return statSync(program).isFile()
  } catch {
    return false
  }
}
