/** Every limit of Slack that we draw or deliver against, and the functions that make things fit.
 * Source: docs.slack.dev (2026). Where Slack allows more than is readable, ours is the smaller number and says so. */
export const limits = {
  message: {
    blocks: 50,
    /** Slack takes 4,000 in chat.update; screen readers get no more than this. */
    text: 3500,
    /** Slack takes about 12,000 over all blocks. */
    blocksText: 9000,
  },
  view: {
    blocks: 100,
    title: 24,
    button: 24,
    /** Of the 250 kB of a view, what a list in it may take (half beside a table), and how many names a menu. */
    listBytes: 100_000,
    menuNames: 500,
  },
  header: 150,
  section: 3000,
  /** Slack takes 3,000; a context line is small print. */
  contextText: 2000,
  actions: 25,
  button: { text: 75, value: 2000 },
  option: { text: 75, value: 75 },
  selectOptions: 100,
  selectGroups: 100,
  placeholder: 150,
  confirm: { title: 100, text: 300, button: 30 },
  label: 2000,
  dataTable: { rows: 200, columns: 20, characters: 20_000, pageSize: 10 },
  chart: { points: 20 },
  /** Slack names no limit; one line is readable. */
  planTitle: 300,
  /** Rows of an aligned text table. */
  textTableRows: 10,
  /** Text of somebody else (a database, a person) inside one of our sentences. */
  foreignText: 1200,
  /** The part of a fault that goes into a headline. */
  headlineText: 240,
  /** The same in a list of many. */
  lineText: 100,
} as const

/** At most `max` UTF-16 units, with "…" where something was left out; never half a character. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text
  return `${wholeCharacters(text.slice(0, max - 1))}…`
}

/** `cut` for text that is already mrkdwn: never leaves half an entity, half a `<…>` token or an open code span. */
export function cutMarkup(markup: string, max: number): string {
  if (markup.length <= max) return markup
  const head = wholeCharacters(markup.slice(0, max - 2))
    .replace(/&[a-z]*$/, '')
    .replace(/<[^<>]*$/, '')
  const openCode = (head.replaceAll('```', '').match(/`/g)?.length ?? 0) % 2 === 1
  return openCode ? `${head}…\`` : `${head}…`
}

/** The last `max` units of `text`, from the start of a line when there is one. */
export function tail(text: string, max: number): string {
  if (text.length <= max) return text
  const end = text.slice(-max)
  const line = end.indexOf('\n')
  return line === -1 ? end.replace(/^[\uDC00-\uDFFF]/, '') : end.slice(line + 1)
}

/** Whole lines packed into pieces of at most `size`; a longer line is broken. */
export function packLines(text: string, size: number): string[] {
  const pieces: string[] = ['']
  for (const line of text.split('\n').flatMap((one) => broken(one, size))) {
    const last = pieces.length - 1
    const longer = pieces[last] === '' ? line : `${pieces[last]}\n${line}`
    if (longer.length <= size) pieces[last] = longer
    else pieces.push(line)
  }
  return pieces
}

function broken(line: string, size: number): string[] {
  const parts: string[] = []
  for (let rest = line; ;) {
    const part = wholeCharacters(rest.slice(0, size))
    parts.push(part)
    rest = rest.slice(part.length)
    if (rest === '') return parts
  }
}

/** Fills with blanks to `width` characters as people count them. */
export function pad(text: string, width: number, side: 'left' | 'right'): string {
  const missing = ' '.repeat(Math.max(0, width - lengthOf(text)))
  return side === 'left' ? missing + text : text + missing
}

export function lengthOf(text: string): number {
  return [...segmenter.segment(text)].length
}

const segmenter = new Intl.Segmenter()

/** Groups of at most `size`. */
export function groupsOf<T>(items: readonly T[], size: number): T[][] {
  const groups: T[][] = []
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size))
  return groups
}

function wholeCharacters(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '')
}
