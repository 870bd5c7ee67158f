import { Type } from 'typebox'
import { aboutBackup } from './about.ts'
import { defineCommand } from './command.ts'
import { backupField, lineField, strategyField } from './fields.ts'
import { backupOf } from './select.ts'

export const download = defineCommand({
  name: 'download',
  aliases: [],
  summary: 'A private link to a backup in S3, Azure or Google, for 15 minutes',
  usage: '<backup | strategy | latest> [--strategy NAME] [--file NAME]',
  role: 'restore',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    backup: backupField('a backup, its last four characters, or a strategy for its newest'),
    strategy: Type.Optional(strategyField('whose latest')),
    file: Type.Optional(
      lineField('file name', 'which file, when the backup holds several', { maxLength: 255 }),
    ),
  }),
  positional: ['backup'],
  about: aboutBackup,
  async run({ backup, strategy, file = null }, { engine, actor }) {
    const asked = backupOf(engine, backup, strategy)
    return { type: 'link', link: await engine.download({ ...asked, file }, actor) }
  },
})
