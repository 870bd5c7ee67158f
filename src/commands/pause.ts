import { Type } from 'typebox'
import { formatDuration, parseDuration } from '../core/duration.ts'
import { Fault } from '../core/faults.ts'
import { aboutSelected } from './about.ts'
import { defineCommand } from './command.ts'
import { lineField, selectorField } from './fields.ts'
import { named, selectStrategies } from './select.ts'
import { quoted } from './words.ts'

const longestMs = 366 * 24 * 60 * 60_000 // more is a typing mistake

export const pause = defineCommand({
  name: 'pause',
  aliases: [],
  summary: 'Start no backups by schedule for a while; `run` still works',
  usage: '<strategy | tag:x | all> [2h]',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    what: selectorField('what to pause: a strategy, tag:x or all'),
    time: Type.Optional(
      lineField('duration such as 2h', 'for how long; without it until it is resumed', { maxLength: 20 }),
    ),
  }),
  positional: ['what', 'time'],
  about: aboutSelected,
  audited: 'pause',
  async run({ what, time }, { engine, actor, clock }) {
    const length = time === undefined ? null : lengthOf(time)
    const names = await selectStrategies(engine, what)
    const until = length === null ? null : clock.now() + length
    await engine.pause(names, until, actor)
    const end = length === null ? 'until somebody resumes it' : `for ${formatDuration(length)}`
    return { type: 'text', text: `${named(names)} paused ${end}`, data: { paused: names, until } }
  },
})

function lengthOf(time: string): number {
  const ms = parseDuration(time)
  if (ms !== null && ms > 0 && ms <= longestMs) return ms
  throw new Fault('usage', `${quoted(time)} is not a length of time for a pause`, {
    hint: 'write 30m, 2h or 3d, or nothing for no end',
  })
}
