import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownBlock, SectionBlock } from '@slack/types'
import { refusedView } from '../../../playground/validate/views.ts'
import type { StrategyView } from '../../../src/core/model.ts'
import { homeView } from '../../../src/slack/blocks/home.ts'
import { at, backup, bomb, longName, strategy } from '../samples.ts'

const now = at('10:00:00')
const styles = ['basic', 'rich'] as const

/** Every seventh failed, one runs, some owe a copy. */
function many(count: number, nameOf: (index: number) => string): StrategyView[] {
  return Array.from({ length: count }, (_, index) => {
    const name = nameOf(index)
    const lastGood = backup({
      id: `${name}-20261120T060000Z-k3f9`,
      ...(index % 50 === 1 && { owed: ['nas'] }),
    })
    const fault = { code: 'dump-failed' as const, text: bomb, hint: bomb }
    const failed = { id: 'r', state: 'failed' as const, startedAt: now, endedAt: now, fault }
    return strategy({
      name,
      lastGood,
      ...(index % 7 === 3 && { lastRun: failed, failuresInARow: 2 }),
      ...(index === 5 && { runningId: 'run-1' }),
    })
  })
}

const usual = (index: number): string => `client-${String(index).padStart(4, '0')}-production`
const longest = (index: number): string => `${longName.slice(0, 58)}-${String(index).padStart(4, '0')}`

test('the home tab names every strategy, of one or of a thousand, within what Slack takes', () => {
  for (const nameOf of [usual, longest])
    for (const style of styles)
      for (const count of [1, 45, 46, 47, 200, 201, 400, 1_000]) {
        const strategies = many(count, nameOf)
        const view = homeView(strategies, now, style)
        const what = `${count} strategies, ${style}`
        assert.equal(refusedView(view, 'home'), null, what)
        const shown = JSON.stringify(view.blocks.filter(({ type }) => type !== 'actions'))
        const missing = strategies.filter(({ name }) => !shown.includes(name))
        if (count <= 400) assert.deepEqual(missing.map(({ name }) => name), [], what) // prettier-ignore
        if (missing.length > 0) assert.match(shown, new RegExp(`and ${missing.length} more`), what)
      }
})

test('what needs attention stands first, in full and with its button', () => {
  for (const style of styles) {
    const view = homeView(many(200, usual), now, style)
    const first = view.blocks.find((block) => 'accessory' in block && block.accessory)
    assert.match(JSON.stringify(first), /❌ \*client-0003-production\* · failed 2 times in a row/)
    assert.match(JSON.stringify(first), /Run now/)
    const texts = view.blocks.flatMap((block) =>
      block.type === 'section' ? [(block as SectionBlock).text?.text ?? ''] : [],
    )
    assert.match(texts[0]!, /❌ 29 of 200 strategies need attention/)
    assert.match(
      texts[1]!,
      /^\*Running\* {2}client-0005-production\n\*Next\* {2}.* and 195 more\n\*Owed\* {2}4 copies to nas$/,
    )
  }
})

test('of many, each can still be started, from one menu', () => {
  const menu = (count: number): string[] => {
    const actions = homeView(many(count, usual), now).blocks.find(({ type }) => type === 'actions')
    const select = (actions as KnownBlock & { type: 'actions' }).elements.find(
      ({ type }) => type === 'static_select',
    )
    const { option_groups: groups = [] } = (select ?? {}) as {
      option_groups?: { options: { value: string }[] }[]
    }
    return groups.flatMap(({ options }) => options.map(({ value }) => value))
  }
  assert.deepEqual(menu(3), [])
  assert.deepEqual(
    menu(450),
    many(450, usual).map(({ name }) => name),
  )
})
