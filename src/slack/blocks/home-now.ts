import type { KnownBlock } from '@slack/types'
import { formatAge } from '../../core/duration.ts'
import type { IncidentView } from '../../core/incidents.ts'
import { strategyOfRequest, type AnyRequestView, type RunView } from '../../core/model.ts'
import { plural, stageWords } from '../../commands/phrases.ts'
import { actions } from '../actions.ts'
import { limits } from '../limits.ts'
import { button, context, section } from './elements.ts'
import type { HomeFacts } from './home.ts'
import { requestCard } from './request-card.ts'
import { by, joined, runName, safeLine } from './words.ts'

/** What goes on right now: so many of each are shown. */
const mostShown = 5

/** Trouble that goes on, with what is known of it; what to do stands in its thread. */
export function incidents(open: IncidentView[], now: number): KnownBlock[] {
  if (open.length === 0) return []
  const lines = open.slice(0, mostShown).map((incident) => `• ${incidentLine(incident, now)}`)
  return [section([`*Incidents (${open.length})*`, ...lines, ...more(open)].join('\n'))]
}

function incidentLine(incident: IncidentView, now: number): string {
  const { kind, where, why, failures, troubled, openedAt, acknowledged, snoozed } = incident
  const times = failures > 1 ? `${failures} times in a row` : null
  const what = kind === 'place' ? 'takes no backups' : kind === 'shared' ? plural(troubled, 'strategy') : null
  const who = acknowledged === null ? null : `seen by ${by(acknowledged.by)}`
  return joined(
    `*${safeLine(where, 80)}*`,
    what,
    why === null ? 'no new backup' : safeLine(why, limits.lineText),
    times,
    `began ${formatAge(now - openedAt)}`,
    who,
    snoozed === null ? null : 'snoozed',
  )
}

/** Each with the buttons of its card. */
export function requests(open: AnyRequestView[], { rights, user, now }: HomeFacts): KnownBlock[] {
  if (open.length === 0) return []
  const shown = open.slice(0, mostShown)
  return [
    section(`*Requests (${open.length})*`),
    ...shown.flatMap((request) => {
      const [headline, ...others] = requestCard(request).blocks
      const isTheirs = rights.decide.has(strategyOfRequest(request)) || request.requester.id === user
      const buttons = isTheirs ? others.filter(({ type }) => type === 'actions') : []
      const age = context(`asked ${formatAge(now - request.createdAt)}`)
      return [...(headline ? [headline] : []), age, ...buttons]
    }),
    ...more(open).map(context),
  ]
}

/** What runs comes before what waits. */
export function running(runs: RunView[], { rights, now }: HomeFacts): KnownBlock[] {
  if (runs.length === 0) return []
  const shown = runs.slice(0, mostShown).map((run): KnownBlock => {
    const line = section(`🔵 *${safeLine(run.strategy)}* · ${runWords(run, now)}`)
    const cancel = button({
      label: 'Cancel',
      action: actions.cancelFromHome,
      value: { id: run.id },
      sure: {
        title: `Cancel this ${run.kind}?`,
        text: 'It stops at once and leaves nothing behind.',
        yes: 'Cancel it',
        no: 'Let it run',
      },
    })
    return cancel === null || !rights.cancel.has(run.strategy) ? line : { ...line, accessory: cancel }
  })
  return [...shown, ...more(runs).map(context)]
}

function runWords(run: RunView, now: number): string {
  if (run.state === 'queued') return joined(`${run.kind} waits for its turn`, runName(run))
  const since = run.startedAt === null ? null : `began ${formatAge(now - run.startedAt)}`
  return joined(`${run.kind} runs`, run.stage && stageWords[run.stage], since, runName(run))
}

function more(all: unknown[]): string[] {
  return all.length > mostShown ? [`and ${all.length - mostShown} more`] : []
}
