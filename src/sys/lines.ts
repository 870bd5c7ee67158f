import type { Readable } from 'node:stream'

const longestLine = 4_096 // a tool's line beyond this is cut; nobody reads further

/** Calls `line` for each line of a stream, without holding more than one; resolves when the stream ends. */
export function readLines(stream: Readable, line: (text: string) => void): Promise<void> {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!.slice(0, longestLine)
    for (const part of parts) if (part.trim() !== '') line(part.slice(0, longestLine).trimEnd())
  })
  return new Promise((resolve) => {
    const end = (): void => {
      if (rest.trim() !== '') line(rest.trimEnd())
      rest = ''
      resolve()
    }
    stream.once('end', end)
    stream.once('error', end)
    stream.once('close', end)
  })
}
