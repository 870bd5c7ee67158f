import { Type } from 'typebox'
import type { Check } from '../core/checks.ts'
import { aboutEach } from './about.ts'
import { defineCommand } from './command.ts'
import { selectorField } from './fields.ts'
import { plural } from './phrases.ts'
import { text, type Fact } from './reply.ts'
import { selectStrategies, some } from './select.ts'

export const doctor = defineCommand({
  name: 'doctor',
  aliases: ['test'],
  summary: 'Try everything that backups and restores need, and say what to mend',
  usage: '[strategy | tag:x]',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: Type.Optional(selectorField('only what a strategy needs, or those of tag:x')),
  }),
  positional: ['strategy'],
  about: aboutEach,
  async run({ strategy }, { engine }) {
    const only = strategy === undefined ? null : await selectStrategies(engine, strategy)
    const parts = await engine.doctor(only)
    const checks = parts.flatMap((part) => part.checks)
    const failed = checks.filter(({ state }) => state === 'failed')
    return {
      type: 'facts',
      title: titleOf(checks),
      facts: parts.flatMap((part) => factsOf(part.title, part.checks)),
      ...(failed.length > 0 && { fault: 'check-failed' as const }),
      data: { ok: failed.length === 0, checks },
    }
  },
})

function titleOf(checks: Check[]): string {
  const failed = checks.filter(({ state }) => state === 'failed').length
  const warnings = checks.filter(({ state }) => state === 'warning').length
  const remarks = warnings === 0 ? '' : `, ${plural(warnings, 'warning')}`
  if (failed === 0) return `everything works${remarks}`
  return `${plural(failed, 'thing')} to mend${remarks}`
}

const listedAtMost = 12 // more that is well becomes one line: what is wrong has to be seen

function factsOf(title: string, checks: Check[]): Fact[] {
  const well = checks.filter(({ state }) => state === 'ok')
  const wrong = checks.filter(({ state }) => state !== 'ok')
  if (well.length <= listedAtMost) return checks.map(factOf)
  const names = some(well.map(({ name }) => name))
  return [
    factOf({ name: title, state: 'ok', text: `${well.length} are well: ${names}`, hint: null }),
    ...wrong.map(factOf),
  ]
}

const marks: Record<Check['state'], string> = { ok: '✓', warning: '!', failed: '✗' }

function factOf({ name, state, text: words, hint }: Check): Fact {
  return { label: name, cell: text(`${marks[state]} ${words}${hint === null ? '' : `\n→ ${hint}`}`) }
}
