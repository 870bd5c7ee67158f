import { Type } from 'typebox'
import { defineCommand } from './command.ts'
import { attentionFirst } from './help.ts'

/** What most people want most of the time; `help` has the others. */
const usual = ['list', 'run', 'restore', 'status', 'doctor', 'help']

export const overview = defineCommand({
  name: 'overview',
  aliases: [],
  summary: 'What needs attention, and what is asked most',
  usage: '',
  role: 'view',
  open: true,
  faces: ['slack'],
  args: Type.Object({}),
  positional: [],
  run: async (_, context) =>
    attentionFirst(
      context,
      context.commands.filter(({ name }) => usual.includes(name)),
    ),
})
