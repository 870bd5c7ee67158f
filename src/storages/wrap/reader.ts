import { Readable } from 'node:stream'

/** Bytes for one reader.
 * @param leave ends at once what goes on for it, with why; called when the reader has left, or has read all */
export function readerOf(bytes: AsyncGenerator<Buffer>, leave: (why: Error) => void): Readable {
  return new Readable({
    highWaterMark: 256 * 1024,
    read() {
      bytes.next().then(
        ({ value, done }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error as Error),
      )
    },
    destroy(error, done) {
      leave(error ?? new Error('the reader has left'))
      bytes.return(undefined).then(
        () => done(error),
        () => done(error),
      )
    },
  })
}
