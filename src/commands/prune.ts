import { Type } from 'typebox'
import { aboutEach } from './about.ts'
import { defineCommand } from './command.ts'
import { strategyField } from './fields.ts'
import { retentionTable } from './retention-explain.ts'
import { knownStrategy } from './select.ts'

export const prune = defineCommand({
  name: 'prune',
  aliases: ['cleanup'],
  summary: 'Delete what retention lets go, once you have seen and confirmed it',
  usage: '[strategy] [--dry-run]',
  role: 'admin',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: Type.Optional(strategyField('only of this strategy')),
    dryRun: Type.Optional(Type.Boolean({ description: 'show what would go, delete nothing' })),
  }),
  positional: ['strategy'],
  about: aboutEach,
  async run({ strategy, dryRun = false }, { engine, actor }) {
    const name = strategy === undefined ? null : knownStrategy(engine, strategy)
    if (dryRun) {
      const views = await engine.retention(name)
      const table = retentionTable(views, { title: 'Would be deleted', only: ({ keep }) => !keep })
      return { type: 'table', table }
    }
    const { requests, notes } = await engine.requestPrune(name, actor)
    if (requests.length > 0) return { type: 'questions', requests, notes }
    return {
      type: 'text',
      text: ['retention lets nothing go', ...notes].join('\n'),
      data: { requests, notes },
    }
  },
})
