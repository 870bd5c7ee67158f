import { Type } from 'typebox'
import { defineCommand } from './command.ts'
import { digestWords } from './digest-words.ts'
import { text, type Fact } from './reply.ts'

export const digest = defineCommand({
  name: 'digest',
  aliases: [],
  summary: 'The digest of the time since the last one, now',
  usage: '',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({}),
  positional: [],
  async run(_args, { engine }) {
    const view = await engine.digest()
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
