import { dirname, resolve } from 'node:path'
import { parseDuration } from '../core/duration.ts'
import type { HooksConfig } from '../core/hooks.ts'
import { defaults } from './defaults.ts'
import type { Examination } from './examine.ts'
import { child, isMapping } from './pointer.ts'
import type { HooksFile } from './schema/hooks.ts'

const moments = ['before', 'after', 'on_failure'] as const
const shortestSecret = 4 // shorter ones are words that stand anywhere

/** @param folder  of the configuration file: a program with a slash is found from there, any other one on PATH
 * @returns null when there is nothing to run */
export function hooksOf(written: HooksFile | undefined, folder: string): HooksConfig | null {
  if (written === undefined) return null
  const { before = [], after = [], on_failure: onFailure = [], timeout = defaults.hooks.timeout } = written
  const found = (argv: readonly string[]): string[] => [located(argv[0]!, folder), ...argv.slice(1)]
  const timeoutMs = parseDuration(timeout) ?? 0
  if (before.length + after.length + onFailure.length === 0) return null
  return {
    before: before.map(found),
    after: after.map(found),
    onFailure: onFailure.map(found),
    timeoutMs,
    folder,
  }
}

function located(program: string, folder: string): string {
  return dirname(program) === '.' && !program.startsWith('.') ? program : resolve(folder, program)
}

/** What the schema alone cannot tell of one `hooks`. @param at its position */
export function checkHooks(hooks: unknown, at: string, { findings, secrets }: Examination): void {
  if (!isMapping(hooks) || !findings.clean(at)) return
  for (const moment of moments)
    for (const [index, argv] of ((hooks as HooksFile)[moment] ?? []).entries()) {
      const place = child(child(at, moment), index)
      if (argv[0] === '') findings.mistake(child(place, 0), 'it names no program', 'write its name or path')
      for (const [word, text] of argv.entries()) {
        if (text.includes('\0'))
          findings.mistake(child(place, word), 'an argument cannot hold the character 0', 'remove it')
        if ([...secrets].some((secret) => secret.length >= shortestSecret && text.includes(secret)))
          findings.warning(
            child(place, word),
            'everybody on this host can read the arguments of a program, and here is a secret',
            'let the program read it from a file',
          )
      }
    }
}
