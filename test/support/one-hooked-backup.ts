import { systemClock } from '../../src/sys/clock.ts'
import { openWorld } from './world.ts'

/** A process of its own that makes one backup with hooks. `node one-hooked-backup.ts <folder> <hooks as JSON>` */
const [folder, hooks] = process.argv.slice(2) as [string, string]
const strategies = { shop: { hooks: JSON.parse(hooks) as unknown } }
const world = await openWorld(folder, { strategies, clock: systemClock })
await world.backup()
await world.close()
