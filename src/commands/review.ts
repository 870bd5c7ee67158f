import { Type } from 'typebox'
import { aboutRequest } from './about.ts'
import { defineCommand } from './command.ts'
import { requestField } from './fields.ts'
import { askedFor } from './request-words.ts'

export const review = defineCommand({
  name: 'review',
  aliases: [],
  summary: 'Note that you looked at what was done on the host without a second person',
  usage: '<request>',
  role: 'admin',
  open: false,
  byButton: true,
  faces: ['slack', 'cli'],
  args: Type.Object({ request: requestField('the request on the card') }),
  positional: ['request'],
  about: aboutRequest,
  async run({ request }, { engine, actor }) {
    const now = await engine.review(request, actor)
    return { type: 'text', text: `reviewed: ${askedFor(now)}`, data: now }
  },
})
