import { silentLog } from '../../src/core/log.ts'
import { faultFacts } from '../../src/core/faults.ts'
import { local } from '../../src/storages/local/index.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { bytesSpool, type Spool } from '../../src/sys/spool.ts'

/** A process of its own that puts one object, for faults that strike a whole process.
 * Arguments: folder, key, size in bytes or `endless`. Prints the receipt or the fault as JSON. */
const [, , path, key, size] = process.argv
const endless: Spool = {
  size: async () => 0,
  ended: () => false,
  read: async (_offset, length) => {
    await systemClock.sleep(5)
    return Buffer.alloc(length)
  },
}
const storage = local.open('nas', { path }, { clock: systemClock, log: silentLog })
try {
  const spool = size === 'endless' ? endless : bytesSpool(Buffer.alloc(Number(size), 'x'))
  const receipt = await storage.put(key!, spool, { ifAbsent: true, signal: new AbortController().signal })
  console.log(JSON.stringify(receipt))
} catch (error) {
  console.log(JSON.stringify(faultFacts(error)))
}
