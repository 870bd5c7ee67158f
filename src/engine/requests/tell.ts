import type { Audience, MessageBody } from '../../core/messages.ts'
import { strategyOfRequest, type Actor, type AnyRequestView } from '../../core/model.ts'
import type { Write } from '../../state/database.ts'
import { messagesUnder, owe } from '../../state/messages.ts'
import type { EngineContext } from '../context.ts'
import { requestKey } from '../tell.ts'
import { inZone } from './zone.ts'

const priority = 2 // of ends: somebody waits for it

/** What people should see of a request now: its card, who is called again, and a word to whoever asked. */
export async function tellRequest(context: EngineContext, tx: Write, given: AnyRequestView): Promise<void> {
  const request = inZone(context, forCard(given))
  if (hasPlan(request)) {
    await say(context, tx, request, { key: requestKey(request.id), body: { type: 'request.card', request } })
    await tellGlass(context, tx, request)
    await closePings(context, tx, request)
  }
  await tellRequester(context, tx, request)
}

/** It still waits: who may decide it is called in the thread of its card. */
export async function tellPing(
  context: EngineContext,
  tx: Write,
  { view, ping }: { view: AnyRequestView; ping: number },
): Promise<void> {
  const request = inZone(context, forCard(view))
  const key = `${requestKey(view.id)}/ping/${ping}`
  await say(context, tx, request, {
    key,
    inThread: true,
    body: { type: 'request.ping', request, over: false },
  })
}

/** A ping that was not sent before the end is never sent; one that was says that nobody is needed any more. */
async function closePings(context: EngineContext, tx: Write, request: AnyRequestView): Promise<void> {
  if (request.state === 'waiting') return
  for (const { key } of await messagesUnder(tx, `${requestKey(request.id)}/ping/`))
    await say(context, tx, request, {
      key,
      inThread: true,
      body: { type: 'request.ping', request, over: true },
    })
}

/** Nobody decided it but the one on the host: that is called out until an admin has looked at it. */
async function tellGlass(context: EngineContext, tx: Write, request: AnyRequestView): Promise<void> {
  if (!request.brokeGlass) return
  const key = `${requestKey(request.id)}/glass`
  await say(context, tx, request, { key, inThread: true, body: { type: 'request.glass', request } })
}

/** Directly to whoever asked, about what others or the clock decided. */
async function tellRequester(context: EngineContext, tx: Write, request: AnyRequestView): Promise<void> {
  const { requester, state, id } = request
  if (requester.via !== 'slack' || !isNews(request)) return
  const key = `${requestKey(id)}/told/${state}`
  await say(context, tx, request, { key, body: { type: 'request.told', request, to: requester.id } })
}

function isNews({ state, requester, decidedBy, needs }: AnyRequestView): boolean {
  const isTheirs = decidedBy !== null && isSame(decidedBy, requester)
  if (state === 'approved' || state === 'cancelled') return !isTheirs
  if (state === 'done') return needs.second
  return state === 'rejected' || state === 'expired' || state === 'failed'
}

function isSame(one: Actor, other: Actor): boolean {
  return one.via === other.via && one.id === other.id
}

interface Said {
  key: string
  body: MessageBody
  inThread?: boolean
}

async function say(
  context: EngineContext,
  tx: Write,
  request: AnyRequestView,
  { key, body, inThread = false }: Said,
): Promise<void> {
  const audience: Audience = 'approvals'
  const strategy = strategyOfRequest(request)
  const parent = inThread ? requestKey(request.id) : null
  await owe(tx, { key, strategy, audience, parent, priority, body }, context.clock.now())
}

function hasPlan({ plan }: AnyRequestView): boolean {
  return plan.digest !== ''
}

const listedOnCard = 10 // of thousands nobody reads more there

function forCard(request: AnyRequestView): AnyRequestView {
  if (request.kind !== 'prune') return request
  const { deletions } = request.plan
  return { ...request, plan: { ...request.plan, deletions: deletions.slice(0, listedOnCard) } }
}
