/** What the app posts to a response URL: an answer only the person sees, one for the channel, or a new face for the original. */
import type { House } from './house.ts'
import { content, text } from './methods/method.ts'
import type { Message } from './model.ts'
import { Refusal } from './refusal.ts'
import type { ResponseTarget } from './tickets.ts'
import type { Json } from './validate/rules.ts'

/** @returns what Slack answers; the caller got the right to post by knowing the secret */
export function answerResponse(secret: string, given: Json, house: House): { status: number; body: unknown } {
  try {
    respond(house.tickets.useResponse(secret), given, house)
    return { status: 200, body: 'ok' }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const gone = error.code === 'used_url' || error.code === 'expired_url'
    return { status: gone ? 404 : 400, body: error.body() }
  }
}

/** Also used for what an acknowledgement carries. */
export function respond(target: ResponseTarget, given: Json, house: House): void {
  const { workspace } = house
  const origin = target.originTs === undefined ? undefined : workspace.find(target.channel, target.originTs)
  if (given['delete_original'] === true) {
    if (origin === undefined) throw new Refusal('message_not_found')
    return workspace.remove(origin)
  }
  const written = content(given)
  if (written.text === '' && written.blocks.length === 0) throw new Refusal('no_text')
  if (given['replace_original'] === true && origin !== undefined) return workspace.edit(origin, written)
  const inChannel = given['response_type'] === 'in_channel'
  const threadTs = threadOf(given, target, origin)
  workspace.post({
    channel: target.channel,
    ...written,
    ...(threadTs === undefined ? {} : { threadTs }),
    ...(inChannel ? {} : { onlyFor: target.user }),
  })
}

function threadOf(given: Json, target: ResponseTarget, origin: Message | undefined): string | undefined {
  if (given['thread_ts'] !== undefined) return text(given['thread_ts'])
  return origin?.threadTs ?? target.threadTs
}
