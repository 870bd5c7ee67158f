import { silentLog } from '../../src/core/log.ts'
import { faultFacts } from '../../src/core/faults.ts'
import type { Receipt } from '../../src/storages/storage.ts'
import { local } from '../../src/storages/local/index.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { bytesSpool, type Spool } from '../../src/sys/spool.ts'

/** A process of its own that puts or removes one object, for faults that strike a whole process.
 * Arguments: folder, key, and a size in bytes, `endless` or `remove`. Prints the receipt or the fault as JSON. */
const [, , path, key, what] = process.argv
const { signal } = new AbortController()
const endless: Spool = {
  size: async () => 0,
  ended: () => false,
  read: async (_offset, length) => {
    await systemClock.sleep(5)
    return Buffer.alloc(typeof length === 'number' ? length : length.length)
  },
}
const storage = local.open('nas', { path }, { clock: systemClock, log: silentLog })
try {
  console.log(JSON.stringify((what === 'remove' ? await storage.remove(key!, signal) : await put()) ?? {}))
} catch (error) {
  console.log(JSON.stringify(faultFacts(error)))
}

function put(): Promise<Receipt> {
  const spool = what === 'endless' ? endless : bytesSpool(Buffer.alloc(Number(what), 'x'))
  return storage.put(key!, spool, { ifAbsent: true, signal })
}
