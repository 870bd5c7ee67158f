/** Where a message is in Slack. */
export interface Receipt {
  channel: string
  ts: string
  /** Of what was sent, so that the same is not sent again. */
  digest: string
  /** Permalink, for the audit log. */
  link?: string
}

/** As `chat.getPermalink` makes it, without asking. */
export function linkTo(
  workspace: string | null,
  { channel, ts }: Pick<Receipt, 'channel' | 'ts'>,
): { link?: string } {
  return workspace === null ? {} : { link: `${workspace}archives/${channel}/p${ts.replace('.', '')}` }
}

/** @param known  as it was kept; anything else was never delivered here */
export function readReceipt(known: unknown): Receipt | null {
  if (typeof known !== 'object' || known === null) return null
  const { channel, ts, digest, link } = known as Record<string, unknown>
  if (typeof channel !== 'string' || typeof ts !== 'string') return null
  return {
    channel,
    ts,
    digest: typeof digest === 'string' ? digest : '',
    ...(typeof link === 'string' && { link }),
  }
}
