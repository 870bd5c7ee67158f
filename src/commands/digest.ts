import { Type } from 'typebox'
import { aboutStrategy } from './about.ts'
import { defineCommand } from './command.ts'
import { digestWords } from './digest-words.ts'
import { selectorField } from './fields.ts'
import { text, type Fact } from './reply.ts'
import { narrowed } from './select.ts'

export const digest = defineCommand({
  name: 'digest',
  aliases: [],
  summary: 'The digest of the time since the last one, now',
  usage: '[strategy | tag:x]',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({ strategy: Type.Optional(selectorField('only of a strategy, or of tag:x')) }),
  positional: ['strategy'],
  about: aboutStrategy,
  async run({ strategy }, { engine }) {
    const view = await (await narrowed(engine, strategy)).digest()
    const { title, fact, parts, sizes, period } = digestWords(view)
    const rows = sizes?.rows.map(({ name, size, change }) => `${name} ${size}, ${change}`) ?? []
    return {
      type: 'facts',
      title: `${title}: ${fact}`,
      facts: [
        ...parts.map(({ label, lines }): Fact => ({ label, cell: text(lines.join('\n')) })),
        ...(rows.length > 0 ? [{ label: 'Grew or shrank', cell: text(rows.join('\n')) }] : []),
        { label: 'Period', cell: text(period) },
      ],
      data: view,
    }
  },
})
