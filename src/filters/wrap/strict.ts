import type { Transform } from 'node:stream'
import { Fault } from '../../core/faults.ts'

/** Makes one of Node's decoders refuse what follows the end of its format, and say what happened as a Fault.
 * By itself Node stops at the end of a frame and ignores the rest, so that a file cut inside the next one looks whole.
 * A file cut between two members (zstd: or up to 3 bytes into the next) passes: only a digest guards against that.
 * Our own encoders write one member, so for them every cut is found.
 * @throws Fault object-corrupt */
export function strict<Decoder extends Transform & { bytesWritten: number }>(
  kind: string,
  decoder: Decoder,
): Decoder {
  const transform = decoder._transform.bind(decoder)
  const destroy = decoder._destroy.bind(decoder)
  let fed = 0
  decoder._transform = (chunk: Buffer, encoding, done) => {
    fed += chunk.length
    transform(chunk, encoding, (error, output) => {
      // bytesWritten counts what the decoder took; it takes all it is given until it believes to be done
      if (!error && decoder.bytesWritten < fed)
        return done(corrupt(kind, 'there are more bytes after its end'))
      done(error, output)
    })
  }
  decoder._destroy = (error, done) =>
    destroy(error, () => done(isDecoding(error) ? corrupt(kind, error.message, error) : error))
  return decoder
}

function isDecoding(error: NodeJS.ErrnoException | null): error is NodeJS.ErrnoException {
  return error?.code !== undefined && /^(Z_|ZSTD_)/.test(error.code)
}

function corrupt(kind: string, what: string, cause?: Error): Fault {
  return new Fault('object-corrupt', `not a whole ${kind} file: ${what}`, { cause })
}
