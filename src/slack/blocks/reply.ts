import { asFault } from '../../core/faults.ts'
import type { FaultCode } from '../../core/faults.ts'
import type { RunView } from '../../core/model.ts'
import { isEnded, runSentence } from '../../commands/phrases.ts'
import type { Reply, ReplyAction } from '../../commands/reply.ts'
import { askPrefix } from '../actions.ts'
import { cut, groupsOf, packLines } from '../limits.ts'
import { richCell } from './cells.ts'
import { actionRows, button, draw, fenced, finish, section } from './elements.ts'
import type { Drawn } from './elements.ts'
import { downloadLink } from './download-link.ts'
import { pruneFact } from './prune-card.ts'
import { requestCard } from './request-card.ts'
import { drawTable } from './table.ts'
import type { TableView } from './table.ts'
import { code, holders, joined, people, runName, safe, safeLine, sentence } from './words.ts'

export interface ReplyView extends TableView {
  /** Where a strategy's threads are. */
  channelOf(strategy: string): string
}

/** What a command answers, as its asker sees it. */
export function drawReply(reply: Reply, view: ReplyView): Drawn {
  switch (reply.type) {
    case 'text':
      return paragraphs(reply.text)
    case 'facts':
      return facts(reply, view)
    case 'table':
      return drawTable(reply.table, view)
    case 'run':
      return oneRun(reply.run, reply.note, view)
    case 'runs':
      return manyRuns(reply.runs, reply.note)
    case 'plan':
      return plan(reply)
    case 'questions':
      return questions(reply)
    case 'link':
      return downloadLink(reply.link)
    case 'stream':
      return draw({
        headline: 'ℹ️ The bytes of a backup go to the command line only.',
        lines: ['`easy-backup get` there hands them out.'],
      })
  }
}

const emoji: Partial<Record<FaultCode, string>> = {
  denied: '⛔',
  'not-yet': 'ℹ️',
  busy: 'ℹ️',
  stale: 'ℹ️',
  expired: 'ℹ️',
}

/** What went wrong, to the one person who asked: the fact, then what to do. */
export function drawFault(error: unknown): Drawn {
  const { code, message, hint } = asFault(error)
  if (code === 'internal')
    return draw({
      headline: `❌ This is a defect in easy-backup: ${safe(message)}.`,
      lines: ['The log of the service has more.'],
    })
  return draw({
    headline: `${emoji[code] ?? '⚠️'} ${holders(sentence(safe(message)))}`,
    lines: hint === null ? [] : [holders(sentence(safe(hint, 600)))],
  })
}

const paragraphSize = 2500

function paragraphs(text: string): Drawn {
  const [first = '', ...others] = packLines(cut(text.trim(), 3 * paragraphSize), paragraphSize)
  return draw({
    headline: people(safe(first, paragraphSize)) || ' ',
    lines: others.map((piece) => people(safe(piece, paragraphSize))),
  })
}

const factsPerSection = 12

function facts(reply: Reply & { type: 'facts' }, view: ReplyView): Drawn {
  const title = `*${safeLine(reply.title, 200).replaceAll('*', '')}*`
  const lines = reply.facts
    .slice(0, 60)
    .map(({ label, cell }) => `*${safeLine(label, 60)}*  ${richCell(cell, view.now)}`)
  const usage = (reply.usage ?? []).map(
    ({ words, does }) => `${code(`/backup ${words}`, 200)}  ${safeLine(does, 200)}`,
  )
  const commands = (reply.commands ?? []).map((command) => cut(command, 2400)).join('\n')
  const blocks = [
    section(title),
    ...groupsOf(lines, factsPerSection).map((group) => section(group.join('\n'))),
    ...groupsOf(usage, factsPerSection).map((group) => section(group.join('\n'))),
    ...(commands === '' ? [] : [fenced(commands)]),
    ...actionRows((reply.actions ?? []).map(replyButton)),
  ]
  return finish([title, ...lines, ...usage, safe(commands)], blocks)
}

function replyButton({ label, command, args, style }: ReplyAction, index: number): ReturnType<typeof button> {
  const value = { command, args }
  return button({ label, action: `${askPrefix}${index}`, value, ...(style !== 'default' && { style }) })
}

function oneRun(run: RunView, note: string | null, view: ReplyView): Drawn {
  const thread = `its thread is in <#${safeLine(view.channelOf(run.strategy), 40)}>`
  return draw({
    headline: `${isEnded(run.state) ? 'ℹ️' : '🔵'} ${joined(safeLine(runSentence(run)), note && safeLine(note))}`,
    small: [joined(runName(run), thread)],
  })
}

const mostRuns = 20

function manyRuns(runs: RunView[], note: string | null): Drawn {
  const names = runs.slice(0, mostRuns).map((run) => joined(safeLine(runSentence(run), 300), runName(run)))
  const more = runs.length > mostRuns ? [`and ${runs.length - mostRuns} more`] : []
  return draw({
    headline: `🔵 ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} accepted`,
    lines: [[...names, ...more].join('\n'), note === null ? '' : safe(note)],
  })
}

/** One question with its buttons; of several only what each is about. */
function questions({ requests, notes }: Reply & { type: 'questions' }): Drawn {
  const [first, ...others] = requests
  if (first && others.length === 0 && notes.length === 0) return requestCard(first)
  return draw({
    headline: `🟡 ${requests.length} ${requests.length === 1 ? 'question waits' : 'questions wait'} for an answer: each has its own card`,
    lines: [
      requests.map(({ plan: asked }) => `${pruneFact(asked)} would be deleted`).join('\n'),
      notes.map((note) => safeLine(note, 300)).join('\n'),
    ],
  })
}

function plan(reply: Reply & { type: 'plan' }): Drawn {
  const card = requestCard(reply.request)
  if (!reply.dryRun) return card
  const words = 'Only shown: nothing was filed and nothing was changed.'
  const blocks = card.blocks.filter(({ type }) => type !== 'actions' && type !== 'context')
  return finish([card.text, words], [...blocks, section(words)])
}
