import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBlocks } from '../../../playground/validate/blocks.ts'
import type { Table } from '../../../src/commands/reply.ts'
import { drawTable } from '../../../src/slack/blocks/table.ts'
import { longName } from '../samples.ts'

function table(count: number, name: (index: number) => string): Table {
  return {
    title: 'Backups',
    summary: `${count} in all`,
    empty: 'none',
    columns: [
      { key: 'backup', label: 'Backup' },
      { key: 'size', label: 'Size' },
    ],
    rows: Array.from({ length: count }, (_, index) => ({
      id: name(index),
      data: null,
      cells: { backup: { kind: 'code', text: name(index) }, size: { kind: 'bytes', bytes: 341e6 } },
    })),
  }
}

const short = (index: number): string => `row-${index};`
const long = (index: number): string => `row-${index};${longName}-${longName}`

test('a list of any length shows each of its rows on exactly one page, each page within what Slack takes', () => {
  for (const style of ['basic', 'rich'] as const)
    for (const name of [short, long])
      for (const count of [1, 10, 11, 200, 201, 655]) {
        const all = table(count, name)
        const pages: string[] = []
        for (let page = 0; ; page++) {
          const drawn = drawTable(all, { now: 0, style, page, words: 'list all' })
          assert.deepEqual(checkBlocks(drawn.blocks, 'message').problems, [])
          pages.push(JSON.stringify(drawn.blocks))
          if (!pages.at(-1)!.includes('Next ›')) break
        }
        for (const { id } of all.rows) {
          const on = pages.filter((shown) => shown.includes(id.slice(0, id.indexOf(';') + 1)))
          assert.equal(on.length, 1, `${style}, ${count} rows: ${id} is on ${on.length} pages`)
        }
        if (style === 'rich' && name === short) assert.equal(pages.length, Math.ceil(count / 200))
      }
})
