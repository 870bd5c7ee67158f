import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import type { RequestState, RequestView } from '../../src/core/model.ts'
import { isOver } from '../../src/core/request-states.ts'
import { endOverdue } from '../../src/engine/requests/overdue.ts'
import { makePrecious, officeOf, people, protectedWorld, type Office } from '../support/approvals.ts'
import { fastClock } from '../support/fast-clock.ts'
import { onHost } from '../support/gate.ts'
import { randomFrom, seedOf } from '../support/random.ts'
import { makeWorld } from '../support/world.ts'

const rounds = Number(process.env.CLICK_ROUNDS ?? 100)
const clicksOfRound = 20

/** Somebody does something to the card; what they would win. */
interface Click {
  by: string
  to: RequestState
  go(office: Office, asked: RequestView): Promise<unknown>
}

const leads = [people.carol, people.dora]

function draw(random: () => number, isOnlyYes: boolean): Click {
  const of = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const by = of(leads)
  const all: Click[] = [
    { by, to: 'approved', go: (office, asked) => office.click('approve', asked, office.person(by)) },
    { by, to: 'approved', go: (office, asked) => office.click('approve', asked, office.person(by)) },
    {
      by,
      to: 'rejected',
      go: (office, asked) => office.click('reject', asked, office.person(by), { reason: 'no' }),
    },
    { by: 'root', to: 'approved', go: (office, asked) => office.click('approve', asked, onHost) },
    {
      by: people.boss,
      to: 'cancelled',
      go: (office, asked) => office.click('dismiss', asked, office.person(people.boss)),
    },
    // these never win
    {
      by: people.boss,
      to: 'waiting',
      go: (office, asked) => office.click('approve', asked, office.person(people.boss)),
    },
    {
      by: people.bob,
      to: 'waiting',
      go: (office, asked) => office.click('approve', asked, office.person(people.bob)),
    },
    {
      by,
      to: 'waiting',
      go: (office, asked) =>
        office.click('approve', { ...asked, version: asked.version - 1 }, office.person(by)),
    },
  ]
  return of(isOnlyYes ? all.filter(({ to }) => to === 'approved' || to === 'waiting') : all)
}

test(`${rounds} rounds of ${clicksOfRound} clicks on one card at once, doubled and reordered: one winner each (promise 11)`, async (t) => {
  const random = randomFrom(seedOf(t))
  const world = await makeWorld(t, { clock: fastClock(1), ...protectedWorld })
  await world.backup()
  makePrecious(world)
  const office = officeOf(world)
  const winners = new Map<RequestState, number>()
  for (let round = 0; round < rounds; round++) {
    const asked = await office.file()
    // a yes looks at the target first: where others say no, they are faster
    const isOnlyYes = random() < 0.5
    const fresh = Array.from({ length: clicksOfRound / 2 }, () => draw(random, isOnlyYes))
    const doubled = [...fresh, ...fresh]
      .map((click) => ({ click, turn: random() }))
      .toSorted((a, b) => a.turn - b.turn)
    const sent = doubled.map(({ click }) => click)
    const answers = await Promise.allSettled(sent.map((click) => click.go(office, asked)))
    const won = sent.filter((_, at) => answers[at]!.status === 'fulfilled')
    const canWin = sent.some(({ to }) => to !== 'waiting')
    assert.equal(
      won.length,
      canWin ? 1 : 0,
      `round ${round}: ${won.map(({ by, to }) => `${by} ${to}`).join(', ')}`,
    )
    for (const answer of answers)
      if (answer.status === 'rejected') {
        const fault: unknown = answer.reason
        assert.ok(fault instanceof Fault && ['stale', 'denied'].includes(fault.code), String(fault))
      }
    const now = await world.engine.request(asked.id)
    if (won[0]) assert.deepEqual([now.state, now.decidedBy?.id], [won[0].to, won[0].by])
    else await office.click('dismiss', asked, office.person(people.boss))
    winners.set(now.state, (winners.get(now.state) ?? 0) + 1)
  }
  const runs = await world.engine.runs({ limit: 10_000 })
  assert.equal(
    runs.filter(({ kind }) => kind === 'restore').length,
    winners.get('approved') ?? 0,
    'one run for each yes',
  )
  const rows = await world.context.database.read.selectFrom('audit').selectAll().execute()
  const decisions = rows.filter(
    ({ act, result }) => result === 'allowed' && /\.(approve|reject|cancel)$/.test(act),
  )
  assert.equal(decisions.length, rounds, 'one decision of each is in the audit log')
  t.diagnostic(JSON.stringify(Object.fromEntries(winners)))
})

test('a click and the end of its time at once: one of them happens', async (t) => {
  const clock = fastClock(1)
  const world = await makeWorld(t, { clock, ...protectedWorld })
  await world.backup()
  makePrecious(world)
  const office = officeOf(world)
  for (let round = 0; round < 10; round++) {
    const asked = await office.file()
    clock.jump(30 * 60_000 - 20) // the last moments
    await Promise.allSettled([
      office.click('approve', asked, office.person(people.carol)),
      world.context.clock.sleep(15 + round).then(() => endOverdue(world.context)),
      office.click('reject', asked, office.person(people.dora), { reason: 'no' }),
    ])
    clock.jump(60_000)
    await endOverdue(world.context)
    const { state, run } = await world.engine.request(asked.id)
    assert.equal(run !== null, state === 'approved')
    assert.ok(isOver(state) || state === 'approved', state)
  }
})
