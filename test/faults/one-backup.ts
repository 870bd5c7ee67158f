import { openWorld } from '../support/world.ts'

/** A process of its own that makes one backup of a world, so that its system calls can be made to fail.
 *
 * `node one-backup.ts <folder>` says how it ended. */
const [folder] = process.argv.slice(2) as [string]
const world = await openWorld(folder)
const { state, fault } = await world.backup()
await world.close()
process.stdout.write(`ended ${state} ${fault?.code ?? ''}\n`)
