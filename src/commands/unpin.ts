import { Type } from 'typebox'
import { defineCommand } from './command.ts'
import { backupField, strategyField } from './fields.ts'
import { owed } from './pin.ts'
import { backupOf } from './select.ts'

export const unpin = defineCommand({
  name: 'unpin',
  aliases: [],
  summary: 'Let retention decide about a pinned backup again',
  usage: '<backup>',
  role: 'admin',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    backup: backupField('a backup, its last four characters, or a strategy for its newest'),
    strategy: Type.Optional(strategyField('whose latest')),
  }),
  positional: ['backup'],
  async run({ backup, strategy }, { engine, actor }) {
    const { view, missing } = await engine.unpin(backupOf(engine, backup, strategy), actor)
    const text = [`${view.id} is no longer pinned: the next prune decides`, ...owed(missing)].join('\n')
    return { type: 'text', text, data: view }
  },
})
