import type { ActionsBlock, Button, ContextBlock, HeaderBlock, KnownBlock, SectionBlock } from '@slack/types'
import { packValue } from '../actions.ts'
import type { ButtonValue } from '../actions.ts'
import { cut, cutMarkup, groupsOf, limits } from '../limits.ts'
import { escape, spoken } from './words.ts'

/** What Slack is sent: blocks for who sees them, `text` with every fact for who does not. */
export interface Drawn {
  text: string
  blocks: KnownBlock[]
}

/** One message as lines of mrkdwn; every string in it is already harmless. */
export interface Sketch {
  /** The fact, with the message's one emoji at its start. */
  headline: string
  lines?: string[]
  /** Small print below. */
  small?: string[]
  buttons?: (Button | null)[]
}

/** Lines and buttons as blocks, and the same facts as text. */
export function draw(sketch: Sketch): Drawn {
  const lines = (sketch.lines ?? []).filter((line) => line !== '')
  const small = (sketch.small ?? []).filter((line) => line !== '')
  const blocks: KnownBlock[] = [
    section(sketch.headline),
    ...lines.map(section),
    ...small.map(context),
    ...actionRows(sketch.buttons ?? []),
  ]
  return finish([sketch.headline, ...lines, ...small], blocks)
}

/** The last look at everything that leaves: counts and totals within Slack's limits.
 * @param lines what `text` says, as mrkdwn */
export function finish(lines: string[], blocks: KnownBlock[]): Drawn {
  let left: number = limits.message.blocksText
  const fitting: KnownBlock[] = []
  for (const block of blocks.slice(0, limits.message.blocks)) {
    const length = textLength(block)
    if (length <= left) fitting.push(block)
    else if (block.type === 'section' && block.text && left > 100)
      fitting.push(section(cutSection(block.text.text, left)))
    left = Math.max(0, left - length)
  }
  return { text: cutMarkup(spoken(lines.join('\n')), limits.message.text), blocks: fitting }
}

/** mrkdwn; `verbatim`, so that Slack makes no link or mention of words that look like one. */
export function section(markup: string): SectionBlock {
  return {
    type: 'section',
    text: { type: 'mrkdwn', text: cutSection(markup, limits.section), verbatim: true },
  }
}

export function context(markup: string): ContextBlock {
  const text = cutMarkup(markup, limits.contextText) || ' '
  return { type: 'context', elements: [{ type: 'mrkdwn', text, verbatim: true }] }
}

/** Literal text: Slack reads no markup in it. */
export function header(text: string): HeaderBlock {
  return { type: 'header', text: { type: 'plain_text', text: cut(text, limits.header) || ' ', emoji: true } }
}

/** A code block of text that is not ours. */
export function fenced(text: string): SectionBlock {
  const room = limits.section - 8
  const body = cutMarkup(escape(text.replaceAll('```', "'''")).replaceAll('`', "'"), room)
  return section(`\`\`\`\n${body || ' '}\n\`\`\``)
}

export interface ButtonSketch {
  label: string
  action: string
  value: ButtonValue
  style?: 'primary' | 'danger'
  /** A question Slack asks before the click counts. */
  sure?: { title: string; text: string; yes: string; no: string }
}

/** @returns null when its value does not fit, so that no button ever lies */
export function button({ label, action, value, style, sure }: ButtonSketch): Button | null {
  const packed = packValue(value)
  if (packed === null) return null
  return {
    type: 'button',
    action_id: action,
    text: { type: 'plain_text', text: cut(label, limits.button.text), emoji: true },
    value: packed,
    ...(style && { style }),
    ...(sure && { confirm: question(sure) }),
  }
}

function question(sure: NonNullable<ButtonSketch['sure']>): NonNullable<Button['confirm']> {
  const { title, text, yes, no } = sure
  return {
    title: { type: 'plain_text', text: cut(title, limits.confirm.title) },
    text: { type: 'plain_text', text: cut(text, limits.confirm.text) },
    confirm: { type: 'plain_text', text: cut(yes, limits.confirm.button) },
    deny: { type: 'plain_text', text: cut(no, limits.confirm.button) },
  }
}

export function actionRows(buttons: (Button | null)[]): ActionsBlock[] {
  const present = buttons.filter((one) => one !== null)
  return groupsOf(present, limits.actions).map((elements) => ({ type: 'actions', elements }))
}

function cutSection(markup: string, max: number): string {
  if (markup.length <= max) return markup || ' '
  const isFenced = markup.endsWith('```')
  return isFenced ? `${cutMarkup(markup.slice(0, -3), max - 4)}\n\`\`\`` : cutMarkup(markup, max)
}

/** What counts against a message's total. */
export function textLength(block: KnownBlock): number {
  if (block.type === 'section') return block.text?.text.length ?? 0
  if (block.type === 'header') return block.text.text.length
  if (block.type !== 'context') return 0
  return block.elements.reduce((sum, one) => sum + ('text' in one ? one.text.length : 0), 0)
}
