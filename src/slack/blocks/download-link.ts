import { formatBytes } from '../../core/duration.ts'
import type { DownloadLink } from '../../core/download.ts'
import { limits } from '../limits.ts'
import { context, draw, finish, section } from './elements.ts'
import type { Drawn } from './elements.ts'
import { code, escape, joined, safeLine, timeOfDay } from './words.ts'

/** The link stands in the blocks alone: notifications, previews and our log show only the text. */
export function downloadLink({
  file,
  bytes,
  storage,
  sha256,
  encrypted,
  url,
  backup,
  expiresAt,
}: DownloadLink): Drawn {
  const headline = `🔗 *Download of ${safeLine(backup)}*`
  const facts = joined(
    formatBytes(bytes),
    `from ${safeLine(storage, 80)}`,
    `until ${timeOfDay(expiresAt, 'UTC')}`,
  )
  const warning =
    encrypted === undefined
      ? 'Only you see this. Whoever has the link can read the backup until it ends.'
      : `Only you see this. The file stays ${safeLine(encrypted)}; \`show\` prints how to decrypt it.`
  const link = `<${escape(url)}|${safeLine(file)}>`
  if (link.length > limits.section - 20)
    return draw({
      headline: `⚠️ The link to ${safeLine(backup)} is longer than Slack takes.`,
      lines: [`On the host, \`easy-backup download ${safeLine(backup)}\` prints it.`],
    })
  const blocks = [
    section(headline),
    section(link),
    context(facts),
    context(`SHA-256 ${code(sha256)}`),
    context(warning),
  ]
  return finish([headline, facts, warning], blocks)
}
