import { cellText, runDetails, runSentence } from '../commands/phrases.ts'
import { summaryOf } from '../commands/request-words.ts'
import type { Reply } from '../commands/reply.ts'
import type { DownloadLink } from '../core/download.ts'
import { formatBytes, formatDuration } from '../core/duration.ts'
import { faultTable, type FaultFacts } from '../core/faults.ts'
import type { AnyRequestView, RunView } from '../core/model.ts'
import { renderDeletions } from './prune.ts'
import { renderPlan } from './render-plan.ts'
import { renderTable, stateColours, type Look } from './render-table.ts'
import { harmless, paint } from './terminal.ts'

/** A reply as text for a screen or a pipe, without a last line end. */
export function renderReply(reply: Exclude<Reply, { type: 'stream' }>, look: Look): string {
  switch (reply.type) {
    case 'text':
      return harmless(reply.text)
    case 'facts':
      return renderFacts(reply, look)
    case 'table':
      return renderTable(reply.table, look)
    case 'run':
      return withNote(renderRun(reply.run, look), reply.note, look)
    case 'runs':
      return withNote(reply.runs.map((run) => renderRun(run, look)).join('\n'), reply.note, look)
    case 'plan':
      return renderAsked(reply.request, look, !reply.dryRun)
    case 'link':
      return harmless(reply.link.url)
    case 'questions':
      return renderDeletions(reply.requests, reply.notes, look)
  }
}

function renderAsked(request: AnyRequestView, look: Look, isFiled: boolean): string {
  if (request.kind === 'restore') return renderPlan(request, look, isFiled)
  return request.kind === 'prune' ? renderDeletions([request], [], look) : harmless(summaryOf(request))
}

/** The same reply as JSON: always an object or a list that `JSON.stringify` takes. */
export function replyJson(reply: Exclude<Reply, { type: 'stream' }>): unknown {
  switch (reply.type) {
    case 'text':
      return reply.data ?? { text: reply.text }
    case 'facts':
      return reply.data ?? { title: reply.title, facts: reply.facts, commands: reply.commands ?? [] }
    case 'table':
      return reply.table.data ?? reply.table.rows.map((row) => row.data)
    case 'run':
      return reply.run
    case 'runs':
      return reply.runs
    case 'plan':
      return reply.request
    case 'questions':
      return { requests: reply.requests, notes: reply.notes }
    case 'link':
      return reply.link
  }
}

/** What the link on standard output is of: for a person, beside it. */
export function linkRemark(
  { file, bytes, storage, sha256, encrypted, expiresAt }: DownloadLink,
  look: Look,
): string {
  const left = formatDuration(Math.max(0, expiresAt - look.now))
  const words = `${file} · ${formatBytes(bytes)} · from ${storage} · the link ends in ${left}; whoever has it can ${encrypted ? 'fetch' : 'read'} the backup${encrypted ? `, which stays ${encrypted}` : ''}`
  return paint(harmless(`${words}\nSHA-256 ${sha256}`), 'dim', look.colours)
}

/** A run in a line, then what it made, indented. */
export function renderRun(run: RunView, look: Look): string {
  const details = runDetails(run).map((line) => `  ${paint(harmless(line), 'dim', look.colours)}`)
  const id = run.state === 'queued' || run.state === 'running' ? ` · run ${run.id}` : ''
  const sentence = harmless(runSentence(run)) + id
  return [paint(sentence, stateColours[run.state] ?? null, look.colours), ...details].join('\n')
}

/** `file:line:column  …` or `VARIABLE  …`, one mistake a line: editors jump there, so nothing stands before it. */
const namesItsPlace = /^(?:.+?:\d+:\d+|[A-Z][A-Z0-9_]+) {2}/

/** What is wrong, then what to do, as one block. */
export function renderFault(fault: FaultFacts, colours: boolean): string {
  const text = harmless(fault.text)
  const lines = [namesItsPlace.test(text) ? text : `${paint('error', 'red', colours)}: ${text}`]
  if (fault.hint) lines.push(`  ${harmless(fault.hint).replaceAll('\n', '\n  ')}`)
  return lines.join('\n')
}

export function faultJson(fault: FaultFacts): unknown {
  return { error: { ...fault, exit: faultTable[fault.code].exit } }
}

function renderFacts(reply: Extract<Reply, { type: 'facts' }>, look: Look): string {
  const widest = Math.max(0, ...reply.facts.map(({ label }) => label.length))
  const facts = reply.facts.map(({ label, cell }) => {
    const value = harmless(cellText(cell, look))
    const colour = cell.kind === 'state' ? (stateColours[cell.state] ?? null) : null
    const below = value.replaceAll('\n', `\n${' '.repeat(widest + 4)}`)
    return `  ${paint(harmless(label).padEnd(widest), 'dim', look.colours)}  ${paint(below, colour, look.colours)}`
  })
  const commands = reply.commands?.length
    ? ['', ...reply.commands.map((line) => (line.includes('\n') ? harmless(line) : `  ${harmless(line)}`))]
    : []
  return [paint(harmless(reply.title), 'bold', look.colours), ...facts, ...commands].join('\n')
}

function withNote(text: string, note: string | null, look: Look): string {
  return note === null ? text : `${text}\n${paint(harmless(note), 'dim', look.colours)}`
}
