/** Text as it is: no markup, no mention and no link of what a database or a program has said. Discord shows what follows a
 * backslash as it is written. */
export function escape(text: string): string {
  return text.replaceAll(/[\\*_~`|>#<@:[\]()-]/g, '\\$&')
}

/** Never within a character, nor behind a backslash that would escape what follows. */
export function cut(escaped: string, most: number): string {
  if (escaped.length <= most) return escaped
  const kept = escaped.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')
  const [loose = ''] = /\\*$/.exec(kept) ?? []
  return `${loose.length % 2 === 1 ? kept.slice(0, -1) : kept}…`
}
