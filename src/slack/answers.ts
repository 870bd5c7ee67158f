import type { Asked } from '../commands/ask.ts'
import type { Reply } from '../commands/reply.ts'
import type { Drawn } from './blocks/elements.ts'
import { drawReply } from './blocks/reply.ts'
import type { Desk } from './desk.ts'
import { tell } from './private.ts'
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
