import type { KnownBlock } from '@slack/types'
import type { DigestView } from '../../core/digest.ts'
import { digestWords, type DigestWords } from '../../commands/digest-words.ts'
import { askPrefix } from '../actions.ts'
import { cut, pad } from '../limits.ts'
import { sizeChart } from './chart.ts'
import { actionRows, button, context, fenced, finish, section } from './elements.ts'
import type { Drawn } from './elements.ts'
import { safe, safeLine } from './words.ts'

/** A summary that is calm: the fact, what needs somebody, then what is good to know. */
export function digestMessage(digest: DigestView, style: 'basic' | 'rich'): Drawn {
  const words = digestWords(digest)
  const headline = `📊 *${safeLine(words.title)}* · ${safe(words.fact)}`
  const [first, ...others] = words.parts.map(partText)
  const blocks: KnownBlock[] = [
    section(headline),
    ...(first === undefined ? [] : [section(first)]),
    ...(others.length === 0 ? [] : [section(others.join('\n'))]),
    ...(words.sizes === null ? [] : [fenced(grid(words.sizes))]),
    ...(style === 'rich' ? sizeChart(digest) : []),
    context(safeLine(words.period)),
    ...actionRows([
      button({ label: 'Status', action: `${askPrefix}0`, value: { command: 'status', args: {} } }),
      button({ label: 'Restore…', action: `${askPrefix}1`, value: { command: 'restore', args: {} } }),
    ]),
  ]
  const sizes =
    words.sizes?.rows.map(({ name, size, change }) => `${safeLine(name)} ${size}, ${change}`) ?? []
  return finish([headline, ...words.parts.map(partText), ...sizes, safeLine(words.period)], blocks)
}

function partText({ label, lines }: DigestWords['parts'][number]): string {
  const [only, ...others] = lines.map((line) => safeLine(line, longestLine))
  if (others.length === 0) return `*${safeLine(label)}*  ${only ?? ''}`
  return `*${safeLine(label)}*\n${[only, ...others].map((line) => `• ${line}`).join('\n')}`
}

const longestLine = 240
const longestName = 40

/** Names to the left, numbers to the right. */
function grid({ rows, more }: NonNullable<DigestWords['sizes']>): string {
  const cells = rows.map(({ name, size, change }) => [cut(name, longestName), size, change] as const)
  const widths = [0, 1, 2].map((at) => Math.max(...cells.map((row) => row[at]!.length)))
  const lines = cells.map(
    ([name, size, change]) =>
      `${pad(name, widths[0]!, 'right')}  ${pad(size, widths[1]!, 'left')}  ${pad(change, widths[2]!, 'left')}`,
  )
  return [...lines, ...(more > 0 ? [`and ${more} more, which changed less`] : [])].join('\n')
}
