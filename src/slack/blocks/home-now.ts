import { subjectOf } from '../../core/subject.ts'
import type { KnownBlock } from '@slack/types'
import { formatAge } from '../../core/duration.ts'
import type { IncidentView } from '../../core/incidents.ts'
import { strategyOfRequest, type AnyRequestView, type RunView } from '../../core/model.ts'
import { stageWords } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { context, section } from './elements.ts'
import { incidentHead } from './incident.ts'
import type { HomeFacts } from './home.ts'
import { requestCard } from './request-card.ts'
import { cancelButton } from './run-card.ts'
import { joined, runName, safeLine } from './words.ts'

/** So many of what has buttons and small print, and of what has a line. */
const mostInFull = 3
const mostLines = 5

/** Trouble that goes on: what people are called for, and who looks after it. */
export function incidents(open: IncidentView[], { rights }: HomeFacts): KnownBlock[] {
  if (open.length === 0) return []
  const shown = open.slice(0, mostInFull).flatMap((incident) => {
    const [headline, ...others] = incidentHead(incident, []).blocks
    const isTheirs = incident.members.some(({ strategy }) => rights.run.has(strategy))
    const wanted = others.filter(({ type }) => type === 'context' || (type === 'actions' && isTheirs))
    return [...(headline ? [headline] : []), ...wanted]
  })
  return [section(`*Incidents (${open.length})*`), ...shown, ...more(open, mostInFull)]
}

/** Each with the buttons of its card. */
export function requests(open: AnyRequestView[], { rights, user, now }: HomeFacts): KnownBlock[] {
  if (open.length === 0) return []
  const shown = open.slice(0, mostInFull)
  return [
    section(`*Requests (${open.length})*`),
    ...shown.flatMap((request) => {
      const [headline, ...others] = requestCard(request).blocks
      const isTheirs = rights.decide.has(strategyOfRequest(request)) || request.requester.id === user
      const buttons = isTheirs ? others.filter(({ type }) => type === 'actions') : []
      const age = context(`asked ${formatAge(now - request.createdAt)}`)
      return [...(headline ? [headline] : []), age, ...buttons]
    }),
    ...more(open, mostInFull),
  ]
}

/** What runs comes before what waits. */
export function running(runs: RunView[], { rights, now }: HomeFacts): KnownBlock[] {
  if (runs.length === 0) return []
  const shown = runs.slice(0, mostLines).map((run): KnownBlock => {
    const line = section(`🔵 *${safeLine(subjectOf(run))}* · ${runWords(run, now)}`)
    const cancel = cancelButton(run, actions.cancelFromHome)
    return cancel === null || !rights.cancel.has(run.strategy) ? line : { ...line, accessory: cancel }
  })
  return [...shown, ...more(runs, mostLines)]
}

function runWords(run: RunView, now: number): string {
  if (run.state === 'queued') return joined(`${run.kind} waits for its turn`, runName(run))
  const since = run.startedAt === null ? null : `began ${formatAge(now - run.startedAt)}`
  return joined(`${run.kind} runs`, run.stage && stageWords[run.stage], since, runName(run))
}

function more(all: unknown[], shown: number): KnownBlock[] {
  return all.length > shown ? [context(`and ${all.length - shown} more`)] : []
}
