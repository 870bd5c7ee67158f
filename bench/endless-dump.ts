import { readFileSync, writeSync } from 'node:fs'

/** A valid custom-format dump of any length: the front of a real one, its rows again and again, its end.
 * Arguments: files with the front, the framed rows and the tail; how often. */
const [, , front, rows, tail, count] = process.argv
writeAll(readFileSync(front!))
const region = readFileSync(rows!)
for (let n = 0; n < Number(count); n++) writeAll(region)
writeAll(readFileSync(tail!))

function writeAll(bytes: Buffer): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(1, bytes, done, Math.min(bytes.length - done, 1 << 20))
}
