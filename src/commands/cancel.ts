import { Type } from 'typebox'
import { aboutRun } from './about.ts'
import { defineCommand } from './command.ts'
import { runField } from './fields.ts'
import { isEnded } from './phrases.ts'

export const cancel = defineCommand({
  name: 'cancel',
  aliases: [],
  summary: 'Stop a queued or running run; nothing is left behind',
  usage: '<run | strategy>',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({ run: runField('a run, or a strategy with one that is running') }),
  positional: ['run'],
  about: aboutRun,
  audited: 'cancel',
  async run(args, { engine, actor }) {
    const run = await engine.cancel(args.run, actor)
    return { type: 'run', run, note: isEnded(run.state) ? null : 'stopping' }
  },
})
