import { PassThrough, Transform } from 'node:stream'
import { passedThrough } from '../sys/memory.ts'

export interface Tee {
  /** Stands in the way of the bytes. */
  through: Transform
  /** Gets the same bytes. Ends with them; when they fail, whoever knows why destroys it. */
  branch: PassThrough
  /** How many have passed. */
  bytes(): number
}

/** The same bytes to a second reader, at the pace of the slower one. A second reader that goes away stops nothing: its own end
 * says why. */
export function tee(): Tee {
  const branch = new PassThrough()
  let pass: (() => void) | null = null
  let passed = 0
  const go = (): void => {
    const waiting = pass
    pass = null
    waiting?.()
  }
  branch.once('close', go) // perhaps while a chunk waits for room in it
  branch.on('error', () => undefined) // its reader says it
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passedThrough(chunk.length)
      passed += chunk.length
      if (branch.destroyed) return done(null, chunk)
      pass = () => done(null, chunk)
      branch.write(chunk, go)
    },
    flush(done) {
      branch.end()
      done()
    },
  })
  return { through, branch, bytes: () => passed }
}
