import { createReadStream, createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Edit, Range } from './statements.ts'

/** Changes a file of our own in place; nothing moves. */
export async function overwriteParts(path: string, edits: readonly Edit[]): Promise<void> {
  const file = await open(path, 'r+')
  try {
    for (const { at, text } of edits) await file.write(text, at)
  } finally {
    await file.close()
  }
}

/** Copies a file without some ranges, which come in order. */
export async function copyWithout(
  path: string,
  { to, skips }: { to: string; skips: readonly Range[] },
): Promise<void> {
  let from = 0
  for (const { at, end } of [...skips, { at: Infinity, end: Infinity }]) {
    if (at > from) {
      const part = createReadStream(path, { start: from, ...(at === Infinity ? {} : { end: at - 1 }) })
      await pipeline(part, createWriteStream(to, { flags: 'a', mode: 0o600 }))
    }
    from = end
  }
}
