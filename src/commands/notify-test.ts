import { Type } from 'typebox'
import { Fault } from '../core/faults.ts'
import { namePattern } from '../core/keys.ts'
import { defineCommand } from './command.ts'
import { plural } from './phrases.ts'
import { text } from './reply.ts'

export const notifyTest = defineCommand({
  name: 'notify test',
  aliases: [],
  summary: 'Send a test message through Slack and each notification, and say what they answered',
  usage: '[name]',
  role: 'admin',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    name: Type.Optional(
      Type.String({ pattern: namePattern, title: 'name of a notification', description: 'only this one' }),
    ),
  }),
  positional: ['name'],
  async run({ name }, { engine, actor }) {
    const known = (await engine.notifiers()).map((one) => one.name)
    if (name !== undefined && !known.includes(name))
      throw new Fault('not-found', `there is no notification named ${name}`, {
        hint: `known: ${known.join(', ') || 'none'}`,
      })
    if (known.length === 0)
      return {
        type: 'text',
        text: 'nobody is told: neither Slack nor notifications are configured',
        data: { tested: [] },
      }
    const tested = await engine.testNotifiers(name ?? null, actor)
    const failed = tested.filter(({ ok }) => !ok)
    return {
      type: 'facts',
      title: failed.length === 0 ? 'each was told' : `${plural(failed.length, 'thing')} to mend`,
      facts: tested.map((one) => ({
        label: one.name,
        cell: text(`${one.ok ? '✓' : '✗'} ${one.name === one.kind ? '' : `${one.kind}: `}${one.text}`),
      })),
      ...(failed.length > 0 && { fault: 'check-failed' as const }),
      data: { ok: failed.length === 0, tested },
    }
  },
})
