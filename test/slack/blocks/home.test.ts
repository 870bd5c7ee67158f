import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HomeView, KnownBlock, SectionBlock } from '@slack/types'
import { refusedView } from '../../../playground/validate/views.ts'
import type { StrategyView } from '../../../src/core/model.ts'
import type { Dashboard } from '../../../src/core/dashboard.ts'
import { homeView, type Rights } from '../../../src/slack/blocks/home.ts'
import { at, backup, bomb, incident, longName, request, run, strategy } from '../samples.ts'

const now = at('10:00:00')
const styles = ['basic', 'rich'] as const

const quiet: Dashboard = { running: [], requests: [], incidents: [], places: [] }

function rightsTo(strategies: StrategyView[]): Rights {
  const names = new Set(strategies.map(({ name }) => name))
  return { run: names, cancel: names, restore: names, drill: names, decide: names }
}

const nothing: Rights = {
  run: new Set(),
  cancel: new Set(),
  restore: new Set(),
  drill: new Set(),
  decide: new Set(),
}

function view(
  strategies: StrategyView[],
  style: 'basic' | 'rich' = 'basic',
  more: { board?: Partial<Dashboard>; rights?: Rights } = {},
): HomeView {
  const board = { ...quiet, ...more.board }
  const rights = more.rights ?? rightsTo(strategies)
  return homeView({ strategies, board, rights, user: 'U0BOB0001', now }, style)
}

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
        const drawn = view(strategies, style)
        const what = `${count} strategies, ${style}`
        assert.equal(refusedView(drawn, 'home'), null, what)
        const shown = JSON.stringify(drawn.blocks.filter(({ type }) => type !== 'actions'))
        const missing = strategies.filter(({ name }) => !shown.includes(name))
        if (count <= 400) assert.deepEqual(missing.map(({ name }) => name), [], what) // prettier-ignore
        if (missing.length > 0) assert.match(shown, new RegExp(`and ${missing.length} more`), what)
      }
})

test('what needs attention stands first, in full and with its button', () => {
  for (const style of styles) {
    const drawn = view(many(200, usual), style)
    const first = drawn.blocks.find((block) => 'accessory' in block && block.accessory)
    assert.match(JSON.stringify(first), /❌ \*client-0003-production\* · failed 2 times in a row/)
    assert.match(JSON.stringify(first), /Run now/)
    const texts = drawn.blocks.flatMap((block) =>
      block.type === 'section' ? [(block as SectionBlock).text?.text ?? ''] : [],
    )
    assert.match(texts[0]!, /❌ 29 of 200 strategies need attention/)
    assert.match(texts[1]!, /^\*Next\* {2}.* and 195 more\n\*Owed\* {2}4 copies to nas$/)
  }
})

test('of many, each can still be started, from one menu', () => {
  const menu = (count: number): string[] => {
    const actions = view(many(count, usual)).blocks.find(({ type }) => type === 'actions')
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

test('what runs can be cancelled, what waits is there with its buttons, and what was never restored is called unproven', () => {
  const strategies = [
    strategy({ proven: { at: now - 3 * 24 * 3600_000, backup: 'b' } }),
    strategy({ name: 'crm', proven: null }),
  ]
  const board = {
    running: [run({ startedAt: now - 120_000 })],
    requests: [request({ createdAt: now - 300_000 })],
    places: [{ storage: 's3', backups: 240, storedBytes: 80e9 }],
  }
  const shown = JSON.stringify(view(strategies, 'basic', { board }).blocks)
  assert.match(shown, /🔵 \*production-db\* · backup runs · dump and upload · began 2 min ago · run k3f9/)
  assert.match(shown, /"home\.cancel"/)
  assert.match(shown, /\*Requests \(1\)\*/)
  assert.match(shown, /asked 5 min ago/)
  assert.match(shown, /\*Unproven\* {2}never restored: crm\\n\*Restored\* {2}production-db 3 d ago"/)
  assert.match(shown, /restored and compared 3 d ago/)
  assert.match(shown, /240 backups, s3 80 GB/)
})

test('who may only look gets no button but Refresh, and no buttons of requests', () => {
  const board = { running: [run()], requests: [request()] }
  const { blocks } = view(many(3, usual), 'basic', { board, rights: nothing })
  const ids = [...JSON.stringify(blocks).matchAll(/"action_id":"([^"]+)"/g)].map(([, id]) => id)
  assert.deepEqual(ids, ['home.refresh'])
})

test('however much goes on and waits, the tab stays within what Slack takes and counts the rest', () => {
  const names = many(200, usual)
  const board = {
    running: Array.from({ length: 20 }, () => run({ strategy: longest(1), stage: 'dump' })),
    requests: Array.from({ length: 40 }, () => request({ reason: bomb.repeat(40) })),
    incidents: Array.from({ length: 60 }, () => incident({ why: bomb.repeat(40), hint: bomb.repeat(40) })),
    places: Array.from({ length: 30 }, (_, at) => ({
      storage: `${longName}-${at}`,
      backups: 1,
      storedBytes: 1e15,
    })),
  }
  for (const style of styles) {
    const drawn = view(names, style, { board })
    assert.equal(refusedView(drawn, 'home'), null)
    const shown = JSON.stringify(drawn.blocks)
    assert.match(shown, /and 37 more/)
    assert.match(shown, /and 57 more/)
    assert.match(shown, /and 15 more/)
    for (const { name } of names) assert.ok(shown.includes(name), name)
  }
})
