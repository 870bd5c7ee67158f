/** One thing that was tried for doctor. */
export interface Check {
  /** What it is about, in one or two words: `shop`, `Slack`. */
  name: string
  /** warning: it works, and yet somebody should know. */
  state: 'ok' | 'warning' | 'failed'
  text: string
  /** What to do; null when nothing has to be done. */
  hint: string | null
}

export function passed(name: string, text: string): Check {
  return { name, state: 'ok', text, hint: null }
}
