import { Type } from 'typebox'
import { defineCommand } from './command.ts'
import { backupField, strategyField } from './fields.ts'
import { backupOf } from './select.ts'

export const get = defineCommand({
  name: 'get',
  aliases: [],
  summary: 'Write a backup to standard output, checked on the way',
  usage: '<backup | strategy | latest> [--strategy NAME] [--decompress] > file',
  role: 'restore',
  open: false,
  faces: ['cli'],
  args: Type.Object({
    backup: backupField('a backup, its last four characters, or latest'),
    strategy: Type.Optional(strategyField('whose latest')),
    decompress: Type.Optional(Type.Boolean({ description: 'as the database tool wrote it' })),
  }),
  positional: ['backup'],
  later: ['decrypt'],
  async run({ backup, strategy, decompress = false }, { engine }) {
    const asked = backupOf(engine, backup, strategy)
    const { view } = await engine.backup(asked.backup, asked.strategy)
    return {
      type: 'stream',
      name: view.id,
      open: (sink, signal) => engine.get(view.id, { decompress, signal }, sink),
    }
  },
})
