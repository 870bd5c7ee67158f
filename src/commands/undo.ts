import { Type } from 'typebox'
import type { SwapView } from '../core/model.ts'
import { defineCommand } from './command.ts'
import { requestField, versionField } from './fields.ts'
import { replacedWords } from './replaced.ts'
import { text, type Reply } from './reply.ts'

export const undo = defineCommand({
  name: 'undo',
  aliases: [],
  summary: 'Put back the database that a restore in place replaced, while it is kept',
  usage: '<restore> [version]',
  role: 'admin', // it overwrites what was written since, and nobody else agrees to it
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    restore: requestField('the restore in place: its run or its request'),
    version: Type.Optional(
      versionField('the version that was shown; without it nothing is done, only shown'),
    ),
  }),
  positional: ['restore', 'version'],
  about: async ({ restore }, engine) => {
    const swap = await engine.swap(restore)
    return { strategies: [swap.strategy], subject: swap.run }
  },
  async run({ restore, version }, { engine, actor }) {
    if (version === undefined) return shown(await engine.swap(restore))
    return { type: 'run', run: await engine.undo({ id: restore, version }, actor), note: null }
  },
})

/** Nothing is exchanged unseen. */
function shown(swap: SwapView): Reply {
  const { run, name, endpoint, kept, until, version, safety } = swap
  const args = { restore: run, version }
  return {
    type: 'facts',
    title: `Undo ${run}?`,
    facts: [
      { label: 'Target', cell: text(`${name} on ${endpoint}`) },
      { label: 'Now', cell: text(replacedWords(swap)) },
      {
        label: 'Will do',
        cell: text(`drop live sessions → exchange the two → keep the other one for the rest of the time`),
      },
      ...(until === null ? [] : [{ label: 'Kept', cell: { kind: 'instant', at: until, as: 'in' } } as const]),
      ...(safety === null ? [] : [{ label: 'Safety backup', cell: { kind: 'code', text: safety } } as const]),
    ],
    commands: [`easy-backup undo ${run} ${version}`],
    actions: [{ label: `Put ${kept} back`, command: 'undo', args, style: 'danger' }],
    data: swap,
  }
}
