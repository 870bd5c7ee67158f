import { Type } from 'typebox'
import type { IncidentView } from '../core/incidents.ts'
import { aboutIncident, careReply } from './incidents.ts'
import { defineCommand } from './command.ts'
import { actsField, incidentField } from './fields.ts'

const quiet = 'nobody is called again until it is past its promised age'

/** What it means for other kinds of trouble. */
const meaning: Partial<Record<IncidentView['kind'], string>> = {
  odd: 'a backup like this one is usual from now on',
}

export const acknowledge = defineCommand({
  name: 'acknowledge',
  aliases: ['ack'],
  summary: 'Say that you look after what fails: nobody is called again until it is past its promised age',
  usage: '<strategy | incident>',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    what: incidentField('a strategy whose backups fail or are missing, or an incident that `status` shows'),
    acts: Type.Optional(actsField),
  }),
  positional: ['what'],
  about: aboutIncident,
  audited: 'incident.acknowledge',
  async run({ what, acts }, { engine, actor }) {
    const incident = await engine.acknowledge({ what, ...(acts !== undefined && { acts }) }, actor)
    return careReply(incident, `acknowledged; ${meaning[incident.kind] ?? quiet}`)
  },
})
