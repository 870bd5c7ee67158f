import type { KnownBlock, ModalView } from '@slack/types'
import { views } from '../actions.ts'
import { cut, limits, packLines, tail } from '../limits.ts'
import { context, draw, fenced, section } from './elements.ts'
import type { Drawn } from './elements.ts'
import { drawFault } from './reply.ts'
import { clean, code, safeLine } from './words.ts'

/** Opened at once, because a trigger lives three seconds; filled when the facts are there. */
export function loadingView(title: string, words: string): ModalView {
  return plainView(title, draw({ headline: words }).blocks)
}

/** Why nothing happens, in the dialog that is already open. */
export function faultView(title: string, error: unknown): ModalView {
  return plainView(title, drawFault(error).blocks)
}

export function drawnView(title: string, drawn: Drawn): ModalView {
  return plainView(title, drawn.blocks)
}

const logSections = 4

/** The end of what a run's tools said: that is where the reason is. */
export function logView(run: string, log: string): ModalView {
  const text = clean(log).trim()
  const room = logSections * charactersPerSection
  const end = tail(text, room)
  const pieces = end === '' ? [] : packLines(end, charactersPerSection).slice(-logSections)
  const said = pieces.length === 0 ? [section('The tools of this run said nothing.')] : pieces.map(fenced)
  const more = end.length < text.length ? 'Only the end is shown; ' : ''
  return plainView('Log', [
    section(`*Run* ${code(run, 100)}`),
    ...said,
    context(`${more}\`easy-backup log ${safeLine(run, 100)}\` prints all of it.`),
  ])
}

/** Escaping makes `&` five characters long; this much of a log mostly fits, the rest is cut. */
const charactersPerSection = 2400

function plainView(title: string, blocks: KnownBlock[]): ModalView {
  return {
    type: 'modal',
    callback_id: views.plain,
    title: plain(title, limits.view.title),
    close: plain('Close', limits.view.button),
    blocks: blocks.slice(0, limits.view.blocks),
  }
}

export function plain(text: string, max: number): { type: 'plain_text'; text: string; emoji: true } {
  return { type: 'plain_text', text: cut(clean(text), max) || ' ', emoji: true }
}
