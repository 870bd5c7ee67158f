import { Type } from 'typebox'
import { aboutSelected } from './about.ts'
import { defineCommand } from './command.ts'
import { selectorField } from './fields.ts'
import { named, selectStrategies } from './select.ts'

export const resume = defineCommand({
  name: 'resume',
  aliases: [],
  summary: 'End a pause: the next slot runs again, nothing is made up for',
  usage: '<strategy | tag:x | all>',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({ what: selectorField('what to resume: a strategy, tag:x or all') }),
  positional: ['what'],
  about: aboutSelected,
  audited: 'resume',
  async run({ what }, { engine, actor }) {
    const names = await selectStrategies(engine, what)
    const resumed = await engine.resume(names, actor)
    const text =
      resumed.length === 0
        ? `${named(names)} ${names.length === 1 ? 'was' : 'were'} not paused`
        : `${named(resumed)} resumed`
    return { type: 'text', text, data: { resumed } }
  },
})
