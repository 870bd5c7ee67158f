import { Type } from 'typebox'
import type { UnpinRequestView } from '../core/model.ts'
import { aboutBackup } from './about.ts'
import { defineCommand } from './command.ts'
import { backupField, strategyField, reasonField } from './fields.ts'
import { owed } from './pin.ts'
import { backupOf } from './select.ts'

export const unpin = defineCommand({
  name: 'unpin',
  aliases: [],
  summary: 'Let retention decide about a pinned backup again',
  usage: '<backup> [--reason TEXT]',
  role: 'admin',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    backup: backupField('a backup, its last four characters, or a strategy for its newest'),
    strategy: Type.Optional(strategyField('whose latest')),
    reason: Type.Optional(reasonField('why, for who approves it')),
  }),
  positional: ['backup'],
  about: aboutBackup,
  async run({ backup, strategy, reason = null }, { engine, actor }) {
    const ask = { ...backupOf(engine, backup, strategy), reason }
    const { view, missing, request } = await engine.unpin(ask, actor)
    if (request) return { type: 'text', text: waits(request), data: request }
    const text = [`${view.id} is no longer pinned: the next prune decides`, ...owed(missing)].join('\n')
    return { type: 'text', text, data: view }
  },
})

function waits({ id, plan }: UnpinRequestView): string {
  return [
    `${plan.backup} is of a protected strategy: somebody else has to approve that it is unpinned`,
    `it waits as request ${id}; nothing was changed`,
  ].join('\n')
}
