import { readFileSync, writeSync } from 'node:fs'

/** A valid custom-format dump of any length: the front of a real one, its rows again and again, the end of its data.
 * Arguments: file with the front, file with framed rows, how often. */
const [, , front, rows, count] = process.argv
writeAll(readFileSync(front!))
const region = readFileSync(rows!)
for (let n = 0; n < Number(count); n++) writeAll(region)
writeAll(Buffer.alloc(5)) // a frame of no bytes ends the data

function writeAll(bytes: Buffer): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(1, bytes, done, Math.min(bytes.length - done, 1 << 20))
}
