import { systemClock } from '../../src/sys/clock.ts'
import { openWorld } from './world.ts'

/** A process of its own that makes one backup of a world, to be killed in the middle.
 *
 * `node backup-to.ts <folder> <storageDir> <global settings as JSON>` */
const [folder, storageDir, global] = process.argv.slice(2) as [string, string, string]
const settings = JSON.parse(global) as Record<string, unknown>
const world = await openWorld(folder, { storageDir, global: settings, clock: systemClock })
const { state } = await world.backup()
await world.close()
process.stdout.write(`ended ${state}\n`)
