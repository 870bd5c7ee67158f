import { Type } from 'typebox'
import { aboutBackup } from './about.ts'
import { defineCommand } from './command.ts'
import { backupField, lineField, strategyField } from './fields.ts'
import { keyFileField, keyPath } from './key-file.ts'
import { backupOf } from './select.ts'

export const get = defineCommand({
  name: 'get',
  aliases: [],
  summary: 'Write a backup to standard output, checked on the way',
  usage:
    '<backup | strategy | latest> [--strategy NAME] [--decrypt] [--decompress] [--key-file PATH] [--file NAME] > file',
  role: 'restore',
  open: false,
  faces: ['cli'],
  args: Type.Object({
    backup: backupField('a backup, its last four characters, or latest'),
    strategy: Type.Optional(strategyField('whose latest')),
    decrypt: Type.Optional(Type.Boolean({ description: 'undo its encryption' })),
    decompress: Type.Optional(Type.Boolean({ description: 'as the database tool wrote it' })),
    keyFile: Type.Optional(keyFileField()),
    file: Type.Optional(
      lineField('file name', 'which file, when the backup holds several', { maxLength: 255 }),
    ),
  }),
  positional: ['backup'],
  about: aboutBackup,
  audited: 'get',
  async run({ backup, strategy, decrypt = false, decompress = false, keyFile, file = null }, { engine }) {
    const asked = backupOf(engine, backup, strategy)
    const { view, note } = await engine.backup(asked.backup, asked.strategy)
    return {
      type: 'stream',
      name: view.id,
      async open(sink, signal) {
        const passedOver = await engine.get(
          view.id,
          { decrypt, decompress, keyFile: keyPath(keyFile), file, signal },
          sink,
        )
        return note === null ? passedOver : [note, ...passedOver]
      },
    }
  },
})
