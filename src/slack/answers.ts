import type { Asked } from '../commands/ask.ts'
import type { Reply } from '../commands/reply.ts'
import { Fault } from '../core/faults.ts'
import type { Drawn } from './blocks/elements.ts'
import { drawReply } from './blocks/reply.ts'
import { drawTable } from './blocks/table.ts'
import type { Desk } from './desk.ts'
import { share, tell } from './private.ts'
import type { Place } from './private.ts'
import { channelFor } from './routing.ts'

/** Asks for a person and shows the answer to nobody else.
 * @throws Fault what the command threw */
export async function askAndTell(desk: Desk, asked: Asked, place: Place): Promise<void> {
  const reply = await desk.ask(asked, await desk.identify(place.user))
  await show(desk, place, { reply, words: 'words' in asked ? asked.words : null, page: 0 })
}

/** Another page of a list, in place of the one before; the list is made again, for the person who turns it. */
export async function turnPage(
  desk: Desk,
  turn: { words: string; page: number },
  place: Place,
): Promise<void> {
  const reply = await desk.ask({ words: turn.words }, await desk.identify(place.user))
  await show(desk, place, { reply, ...turn, replace: true })
}

/** Shows a list to everybody where it was asked: made again as its asker may see it, and in their name. The private one goes. */
export async function shareList(
  desk: Desk,
  { words, page }: { words: string; page: number },
  place: Place,
): Promise<void> {
  const reply = await desk.ask({ words }, await desk.identify(place.user))
  if (reply.type !== 'table' || reply.table.isPrivate)
    throw new Fault('usage', 'only lists can be shared, and not the audit log')
  const view = { now: desk.clock.now(), page, words: null, sharedBy: place.user }
  const draw = (style: 'basic' | 'rich'): Drawn => drawTable(reply.table, { ...view, style })
  await share(place, { drawn: draw(desk.style.now()), basic: draw('basic') })
}

interface Shown {
  reply: Reply
  words: string | null
  page: number
  replace?: boolean
}

async function show(desk: Desk, place: Place, { reply, words, page, replace = false }: Shown): Promise<void> {
  const draw = (style: 'basic' | 'rich'): Drawn =>
    drawReply(reply, {
      now: desk.clock.now(),
      style,
      page,
      words,
      channelOf: (name) => channelFor(desk.routing(name), 'success'),
    })
  const rich = reply.type === 'table' && desk.style.now() === 'rich'
  await tell(desk, place, draw(rich ? 'rich' : 'basic'), { replace, ...(rich && { basic: draw('basic') }) })
}
