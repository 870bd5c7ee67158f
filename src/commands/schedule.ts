import { Type } from 'typebox'
import { aboutStrategy } from './about.ts'
import { defineCommand } from './command.ts'
import { limitField, selectorField } from './fields.ts'
import { narrowed } from './select.ts'

const usualLimit = 20

export const schedule = defineCommand({
  name: 'schedule',
  aliases: [],
  summary: 'The next planned runs',
  usage: '[strategy | tag:x] [--limit N]',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: Type.Optional(selectorField('only of a strategy, or of tag:x')),
    limit: Type.Optional(limitField),
  }),
  positional: ['strategy'],
  about: aboutStrategy,
  async run({ strategy, limit = usualLimit }, { engine }) {
    const slots = await (await narrowed(engine, strategy)).schedule(limit)
    return {
      type: 'table',
      table: {
        title: 'Schedule',
        summary: slots.length === 1 ? 'the next run' : `the next ${slots.length} runs`,
        columns: [
          { key: 'in', label: 'In' },
          { key: 'at', label: 'At' },
          { key: 'strategy', label: 'Strategy' },
          { key: 'what', label: 'What' },
          { key: 'schedule', label: 'Schedule' },
        ],
        rows: slots.map((slot) => ({
          id: `${slot.kind}/${slot.strategy}@${slot.at}`,
          cells: {
            in: { kind: 'instant', at: slot.at, as: 'in' },
            at: { kind: 'instant', at: slot.at, as: 'time', timezone: slot.timezone },
            strategy: { kind: 'code', text: slot.strategy },
            what: { kind: 'text', text: slot.kind },
            schedule: { kind: 'text', text: `${slot.schedule} (${slot.timezone})` },
          },
          data: slot,
        })),
        empty: 'nothing is planned: everything is manual or paused',
      },
    }
  },
})
