const units = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** `10GiB`, as the configuration spells sizes. @returns bytes; null when it is none, nothing, or too much to count exactly */
export function parseSize(text: string): number | null {
  const read = /^([1-9]\d{0,15})(B|KiB|MiB|GiB)$/.exec(text)
  if (!read) return null
  const bytes = Number(read[1]) * units[read[2] as keyof typeof units]
  return Number.isSafeInteger(bytes) ? bytes : null
}
