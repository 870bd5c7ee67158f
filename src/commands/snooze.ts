import { Type } from 'typebox'
import { formatDuration, parseDuration } from '../core/duration.ts'
import { Fault } from '../core/faults.ts'
import { aboutIncident, careReply } from './incidents.ts'
import { defineCommand } from './command.ts'
import { actsField, incidentField, lineField } from './fields.ts'
import { quoted } from './words.ts'

const nextRun = 'next-run'
const longestMs = 7 * 24 * 60 * 60_000 // who wants longer pauses the strategy

export const snooze = defineCommand({
  name: 'snooze',
  aliases: [],
  summary: 'Call nobody about what fails for a while; when it still fails then, that is said',
  usage: '<strategy | incident> [1h | 4h | 24h | next-run]',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    what: incidentField('a strategy whose backups fail or are missing, or an incident that `status` shows'),
    length: Type.Optional(
      lineField('duration such as 4h, or next-run', 'for how long; without it 4h', { maxLength: 20 }),
    ),
    acts: Type.Optional(actsField),
  }),
  positional: ['what', 'length'],
  about: aboutIncident,
  audited: 'incident.snooze',
  async run({ what, length = '4h', acts }, { engine, actor, clock }) {
    const ms = length === nextRun ? null : lengthOf(length)
    const until = ms === null ? null : clock.now() + ms
    const incident = await engine.snooze({ what, until, ...(acts !== undefined && { acts }) }, actor)
    const end = ms === null ? 'until the next run has ended' : `for ${formatDuration(ms)}`
    return careReply(incident, `snoozed ${end}; when it still goes on then, that is said`)
  },
})

function lengthOf(length: string): number {
  const ms = parseDuration(length)
  if (ms !== null && ms > 0 && ms <= longestMs) return ms
  throw new Fault('usage', `${quoted(length)} is not a length of time for a snooze`, {
    hint: 'write 1h, 4h, 24h or next-run; `pause` is for longer',
  })
}
