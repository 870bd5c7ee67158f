import { Type } from 'typebox'
import { aboutEach } from './about.ts'
import { defineCommand } from './command.ts'
import { lineField, selectorField } from './fields.ts'
import { instantOf } from './list.ts'
import { reportText } from './report-words.ts'
import { selectStrategies } from './select.ts'

const isDay = /^\d{4}-\d{2}-\d{2}$/ // a day of the configuration's zone, whatever that of the host is

const instant = (description: string) =>
  lineField('duration such as 90d or a date such as 2026-08-23', description, { maxLength: 40 })

export const report = defineCommand({
  name: 'report',
  aliases: [],
  summary:
    'Evidence for auditors: what a period saw of backups, failures, drills, restores, deletions and decisions',
  usage: '[strategy | tag:x] [--since 90d] [--until DATE]',
  role: 'admin',
  open: false,
  faces: ['cli'],
  args: Type.Object({
    strategy: Type.Optional(selectorField('only of a strategy, or of tag:x')),
    since: Type.Optional(instant('where the period begins; 90d when nothing is said')),
    until: Type.Optional(instant('where it ends; now when nothing is said')),
  }),
  positional: ['strategy'],
  about: (args, engine) =>
    args.strategy === undefined ? { strategies: [], subject: null } : aboutEach(args, engine),
  async run({ strategy, since = '90d', until = '0s' }, { engine, clock }) {
    const at = (written: string): number | string =>
      isDay.test(written) ? written : instantOf(written, clock.now())!
    const only = strategy === undefined ? null : await selectStrategies(engine, strategy)
    const found = await engine.report({ since: at(since), until: at(until) }, only)
    return { type: 'text', text: reportText(found), data: found }
  },
})
