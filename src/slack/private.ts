import { RespondError } from '@slack/bolt'
import type { RespondFn } from '@slack/bolt'
import { Fault } from '../core/faults.ts'
import type { Drawn } from './blocks/elements.ts'
import { drawFault } from './blocks/reply.ts'
import type { Desk } from './desk.ts'
import { failureOf } from './outcomes.ts'

/** Who acted, and where they are to be answered. */
export interface Place {
  user: string
  channel: string | null
  threadTs: string | null
  /** Slack's own way to answer a command or a click; dialogs have none. */
  respond: RespondFn | null
}

interface Answer {
  /** Instead of the message whose button was clicked. */
  replace?: boolean
  /** The same with older blocks, for when Slack refuses the newest. */
  basic?: Drawn
}

/** Answers only the person who acted. Tries every way there is, because silence is the worst answer. */
export async function tell(
  desk: Desk,
  place: Place,
  drawn: Drawn,
  { replace = false, basic }: Answer = {},
): Promise<void> {
  const words = { text: (basic ?? drawn).text, blocks: [] }
  if (basic !== undefined && (await rich(desk, place, { drawn, basic, replace }))) return
  const ways: (() => Promise<unknown>)[] = [
    ...[basic ?? drawn, words].flatMap((one) => (place.respond ? [() => respond(place, one, replace)] : [])),
    ...(place.channel === null ? [] : [() => ephemeral(desk, place, basic ?? drawn)]),
    () => desk.client.chat.postMessage({ channel: place.user, text: words.text }),
  ]
  for (const way of ways) {
    const failed = await way().then(
      () => null,
      (error: unknown) => failureOf(error, true).detail,
    )
    if (failed === null) return
    desk.log.debug('a private answer did not get through', { error: failed })
  }
  desk.log.warn('nobody could be told', { user: place.user, text: words.text.slice(0, 200) })
}

/** The newest blocks, and the older ones when Slack refuses just those. @returns whether the person has the answer */
async function rich(
  desk: Desk,
  place: Place,
  { drawn, basic, replace }: { drawn: Drawn; basic: Drawn; replace: boolean },
): Promise<boolean> {
  if (place.respond === null) return false
  const failed = await respond(place, drawn, replace).then(() => null, statusOf)
  if (failed !== badRequest) return failed === null
  const older = await respond(place, basic, replace).then(() => null, statusOf)
  if (older === null) desk.style.refused()
  return older === null
}

const badRequest = 400

function statusOf(error: unknown): number {
  return error instanceof RespondError ? error.statusCode : 0
}

/** Shows everybody in the channel what one person saw; their own copy goes, so that nothing is shared twice.
 * @throws Fault stale · slack-refused */
export async function share(
  { respond: answer }: Place,
  { drawn, basic }: { drawn: Drawn; basic: Drawn },
): Promise<void> {
  if (answer === null)
    throw new Fault('stale', 'this list can no longer be shared', { hint: 'ask for it again' })
  const post = ({ text, blocks }: Drawn): Promise<number | null> =>
    answer({ text, blocks, response_type: 'in_channel', replace_original: false }).then(() => null, statusOf)
  const first = await post(drawn)
  const failed = first === badRequest ? await post(basic) : first
  if (failed !== null)
    throw new Fault('slack-refused', 'Slack did not take the list', {
      hint: 'ask for it again, and share that',
    })
  await answer({ delete_original: true }).catch(() => undefined)
}

/** Why nothing was done, in private. */
export async function tellFault(desk: Desk, place: Place, error: unknown): Promise<void> {
  await tell(desk, place, drawFault(error))
}

async function respond(
  { respond, threadTs }: Place,
  { text, blocks }: Drawn,
  replace: boolean,
): Promise<unknown> {
  return respond?.({
    text,
    blocks,
    response_type: 'ephemeral',
    replace_original: replace,
    ...(threadTs === null ? {} : { thread_ts: threadTs }),
  })
}

async function ephemeral(
  desk: Desk,
  { user, channel, threadTs }: Place,
  { text, blocks }: Drawn,
): Promise<unknown> {
  return desk.client.chat.postEphemeral({
    user,
    channel: channel ?? user,
    text,
    blocks,
    ...(threadTs === null ? {} : { thread_ts: threadTs }),
  })
}
