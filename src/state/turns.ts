import type { Identity } from '../sys/strays.ts'
import type { Write } from './database.ts'
import { recall, remember } from './memory.ts'

/** Whose turn it is to do something that no two may do at once, outside of any run. */
interface Turn {
  holder: Identity
  token: string
  takenAt: number
}

/** @param isOver  tells of a holder that will never give its turn back
 * @returns false while another has the turn */
export async function takeTurn(
  tx: Write,
  key: string,
  turn: Turn & { isOver: (other: Turn) => boolean },
): Promise<boolean> {
  const { isOver, ...mine } = turn
  const value = await recall(tx, turnKey(key))
  if (value !== null && !isOver(JSON.parse(value) as Turn)) return false
  await remember(tx, turnKey(key), JSON.stringify(mine))
  return true
}

export async function endTurn(tx: Write, key: string, token: string): Promise<void> {
  const value = await recall(tx, turnKey(key))
  if (value === null || (JSON.parse(value) as Turn).token !== token) return
  await tx.deleteFrom('meta').where('key', '=', turnKey(key)).execute()
}

const turnKey = (key: string): string => `turn/${key}`
