import type { Actor, Pin } from '../core/model.ts'
import type { Read, Write } from './database.ts'
import { recall, remember } from './memory.ts'

/** The newest word about a backup, also one that has ended: an unpin is a pin whose end was always over. */
export async function findPin(db: Read, backup: string): Promise<Pin | null> {
  const row = await db.selectFrom('pins').selectAll().where('backup', '=', backup).executeTakeFirst()
  return row ? pinOf(row) : null
}

/** Of two words about one backup the newer counts, in whatever order they are heard. */
export async function savePin(tx: Write, backup: string, pin: Pin): Promise<void> {
  const row = { ...pin, by: JSON.stringify(pin.by) }
  await tx
    .insertInto('pins')
    .values({ backup, ...row })
    .onConflict((conflict) => conflict.column('backup').doUpdateSet(row).where('pins.at', '<', pin.at))
    .execute()
}

/** A backup that is nowhere any more needs no pin. */
export async function forgetPin(tx: Write, backup: string): Promise<void> {
  const left = tx.selectFrom('backups').select('id').where('id', '=', backup)
  await tx
    .deleteFrom('pins')
    .where('backup', '=', backup)
    .where((e) => e.not(e.exists(left)))
    .execute()
}

export function pinOf(row: { until: number | null; note: string | null; by: string; at: number }): Pin {
  return { until: row.until, note: row.note, by: JSON.parse(row.by) as Actor, at: row.at }
}

/** A sidecar that is still to be written beside a backup: noted with the pin itself, so that after a crash it gets there. */
export interface OwedSidecar {
  backup: string
  /** Its name in the backup's folder. */
  name: string
  text: string
  /** Places that do not have it yet. */
  storages: string[]
}

const owedPrefix = 'pin-owed/'

/** A newer sidecar takes the place of one that never got there. */
export async function oweSidecar(tx: Write, owed: OwedSidecar): Promise<void> {
  await remember(tx, owedPrefix + owed.backup, JSON.stringify(owed))
}

export async function owedSidecars(db: Read): Promise<OwedSidecar[]> {
  const rows = await db
    .selectFrom('meta')
    .select('value')
    .where('key', '>=', owedPrefix)
    .where('key', '<', `${owedPrefix}\u{10ffff}`)
    .execute()
  return rows.map(({ value }) => JSON.parse(value) as OwedSidecar)
}

/** The place has it, or will never have it. What was owed meanwhile stays owed. */
export async function settleSidecar(
  tx: Write,
  { backup, name }: OwedSidecar,
  storage: string,
): Promise<void> {
  const value = await recall(tx, owedPrefix + backup)
  const now = value === null ? null : (JSON.parse(value) as OwedSidecar)
  if (now?.name !== name) return
  const storages = now.storages.filter((one) => one !== storage)
  if (storages.length > 0) await oweSidecar(tx, { ...now, storages })
  else
    await tx
      .deleteFrom('meta')
      .where('key', '=', owedPrefix + backup)
      .execute()
}
