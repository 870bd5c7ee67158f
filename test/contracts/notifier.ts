import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { Message } from '../../src/core/messages.ts'
import type { NotificationConfig } from '../../src/core/notifications.ts'
import type { Delivery, Notifier } from '../../src/notifiers/notifier.ts'
import { canary, goodBackup, message, startedBackup, type House } from '../notifiers/house.ts'

const quiet = new AbortController().signal

/** A notifier of one kind, and the place that it tells. */
export interface Heard {
  house: House
  /** Opens it anew, as a start or a reload does; it tells of successes. */
  open(changes?: Partial<NotificationConfig>): Notifier
  /** How often something was told. */
  told(): number
  /** From now on the place refuses everything, and says the secret. */
  refuse(): void
  /** From now on it takes everything again. */
  take(): void
  /** Nobody listens there any more. */
  leave(): Promise<void>
  /** What it tells, each number another; absent: the end of a good backup. */
  sample?: (number?: number) => Message
}

/** What every notifier that tells things once must keep. */
export function notifierContract(kind: string, make: (t: TestContext) => Promise<Heard>): void {
  const deliver = (notifier: Notifier, what: Message, receipt: unknown = null): Promise<Delivery> =>
    notifier.deliver(what, receipt, null, quiet)

  suite(`${kind}: the contract of a notifier`, () => {
    test('a thing is told once, and an edit of it tells nothing', async (t) => {
      const here = await make(t)
      const sample = here.sample ?? goodBackup
      const notifier = here.open()
      assert.ok(notifier.wants(sample(), null))
      const { outcome, receipt } = await deliver(notifier, sample())
      assert.equal(outcome, 'sent')
      assert.notEqual(receipt, null)
      assert.equal(notifier.wants({ ...sample(), version: 2 }, receipt), false)
      assert.equal(here.open().wants(sample(), JSON.parse(JSON.stringify(receipt))), false)
      assert.equal(here.told(), 1)
    })

    test('what it was not asked for, what nobody knows and what is no news is not wanted', async (t) => {
      const here = await make(t)
      const sample = here.sample ?? goodBackup
      const notifier = here.open()
      assert.equal(here.open({ strategies: ['another'] }).wants(sample(), null), false)
      assert.equal(notifier.wants(startedBackup(), null), false)
      assert.equal(notifier.wants(message('x', { type: 'invented' } as never), null), false)
      await here.house.clock.advance(48 * 3_600_000)
      assert.equal(notifier.wants(sample(), null), false)
      assert.equal(here.told(), 0)
    })

    test('a place that is away is asked again later, without an error and not for each message', async (t) => {
      const here = await make(t)
      const sample = here.sample ?? goodBackup
      await here.leave()
      const notifier = here.open()
      const first = await deliver(notifier, sample(1))
      assert.equal(first.outcome, 'later')
      assert.ok(first.detail)
      assert.equal((await deliver(notifier, sample(2))).waits, true)
      assert.equal(notifier.off?.(), null)
      assert.equal((await notifier.check(quiet)).ok, false)
    })

    test('refused three times in a row it is switched off, and nothing is lost', async (t) => {
      const here = await make(t)
      const sample = here.sample ?? goodBackup
      here.refuse()
      const notifier = here.open()
      for (let times = 0; times < 3; times++) {
        assert.equal(notifier.off?.() ?? null, null)
        assert.equal((await deliver(notifier, sample())).outcome, 'later')
        await here.house.clock.advance(60_000)
      }
      assert.ok(notifier.off?.())
      here.take()
      assert.equal((await deliver(notifier, sample())).waits, true)
      assert.equal(here.told(), 0)
      const again = here.open()
      assert.equal((await deliver(again, sample())).outcome, 'sent')
      assert.equal(here.told(), 1)
    })

    test('no secret is in what it says', async (t) => {
      const here = await make(t)
      const sample = here.sample ?? goodBackup
      here.refuse()
      const notifier = here.open()
      const { detail } = await deliver(notifier, sample())
      const tested = await notifier.test?.(quiet)
      const inspected = await notifier.inspect?.(quiet)
      const said = JSON.stringify([detail, tested, inspected, await notifier.check(quiet), here.house.logged])
      assert.ok(said.length > 50)
      assert.ok(!said.includes(canary) && !said.includes(JSON.stringify(canary).slice(1, -1)), said)
    })

    test('looking at it tells nobody', async (t) => {
      const here = await make(t)
      const notifier = here.open()
      const { checks } = await notifier.inspect!(quiet)
      assert.deepEqual(
        checks.map(({ state }) => state),
        ['ok'],
      )
      assert.equal(here.told(), 0)
    })
  })
}
