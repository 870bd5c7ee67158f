const mib = 1024 * 1024

export interface NextPart {
  /** 1 for the first. */
  number: number
  /** Bytes sent before it. */
  offset: number
  /** Bytes known so far. */
  size: number
  /** `size` is final. */
  ended: boolean
}

/** Bytes of the next part: the usual size, unless the rest would not fit into the parts that are left. While the end is not
 * known, half of them are kept for what is still to come, and in the second half parts double every 500th: with 8 MiB parts
 * 40 GB stay at 8 MiB, and every object that S3 takes (5 TiB) fits. */
export function nextPartBytes(next: NextPart, usual: number, maxParts: number): number {
  const left = Math.max(1, maxParts - next.number + 1) // none: then nothing is left to send either
  const rest = Math.max(0, next.size - next.offset)
  if (next.ended) return Math.max(usual, whole(rest / left))
  const step = maxParts / 20
  const doublings = Math.max(0, Math.ceil((next.number - maxParts / 2) / step))
  return Math.max(usual * 2 ** doublings, whole(rest / Math.max(1, left / 2)))
}

function whole(bytes: number): number {
  return Math.ceil(bytes / mib) * mib
}

/** Parts in flight: two, or one where parts have grown large, for both are in memory. */
export function partsAtOnce(partBytes: number): number {
  return partBytes <= 16 * mib ? 2 : 1
}
