import { Type } from 'typebox'
import { aboutBackup } from './about.ts'
import { defineCommand } from './command.ts'
import { backupField, lineField, strategyField } from './fields.ts'
import { pinWords } from './phrases.ts'
import { backupOf } from './select.ts'

export const pin = defineCommand({
  name: 'pin',
  aliases: [],
  summary: 'Keep a backup whatever retention says',
  usage: '<backup> [--until 30d | --until 2027-01-01] [--note TEXT]',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    backup: backupField('a backup, its last four characters, or a strategy for its newest'),
    strategy: Type.Optional(strategyField('whose latest')),
    until: Type.Optional(
      lineField('duration such as 30d or a date such as 2027-01-01', 'when retention decides again', {
        maxLength: 40,
      }),
    ),
    note: Type.Optional(lineField('note of one line', 'why, shown with the backup', { maxLength: 200 })),
  }),
  positional: ['backup'],
  about: aboutBackup,
  audited: 'pin',
  async run({ backup, strategy, until = null, note = null }, { engine, actor }) {
    const { view, missing } = await engine.pin({ ...backupOf(engine, backup, strategy), until, note }, actor)
    const words = view.pin ? pinWords(view.pin) : 'its end is over'
    return { type: 'text', text: [`${view.id} is pinned ${words}`, ...owed(missing)].join('\n'), data: view }
  },
})

/** The pin counts already; a place that is away hears of it later. */
export function owed(missing: readonly { storage: string; why: string }[]): string[] {
  return missing.map(
    ({ storage, why }) => `${storage} could not be told yet (${why}); it is tried again by itself`,
  )
}
