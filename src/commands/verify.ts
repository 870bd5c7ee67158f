import { Type } from 'typebox'
import { aboutBackup } from './about.ts'
import { defineCommand } from './command.ts'
import { backupField, levelField, strategyField } from './fields.ts'
import { keyFileField, keyPath, refuseKeyFile } from './key-file.ts'
import { backupOf } from './select.ts'

export const verify = defineCommand({
  name: 'verify',
  aliases: [],
  summary: 'Read a stored backup again and prove that it is whole',
  usage: '<backup | strategy | latest> [--strategy NAME] [--level V1|V2] [--key-file PATH]',
  role: 'operate',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    backup: backupField('a backup, or a strategy for its newest'),
    strategy: Type.Optional(strategyField('whose latest')),
    level: Type.Optional(levelField(['V1', 'V2'], 'V1: digest read again; V2 (default): decoded whole')),
    keyFile: Type.Optional(keyFileField()),
  }),
  positional: ['backup'],
  about: aboutBackup,
  audited: 'verify',
  later: ['all'],
  async run({ backup, strategy, level = 'V2', keyFile }, { engine, actor }) {
    refuseKeyFile(keyFile, actor)
    const asked = backupOf(engine, backup, strategy)
    const { view, note } = await engine.backup(asked.backup, asked.strategy)
    return {
      type: 'run',
      run: await engine.startVerify(view.id, { level, keyFile: keyPath(keyFile) }, actor),
      note,
    }
  },
})
