import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from '../support/local.ts'
import { root, text } from './files.ts'

interface Guide {
  page: string
  registry: string
  word: string
  tests: string
}

const guides: Guide[] = [
  {
    page: 'docs/add-a-storage.md',
    registry: 'src/storages/registry.ts',
    word: 'memory',
    tests: 'test/storages/memory.test.ts',
  },
  {
    page: 'docs/add-a-database.md',
    registry: 'src/sources/registry.ts',
    word: 'json',
    tests: 'test/sources/json.test.ts',
  },
]

for (const { page, registry, word, tests } of guides)
  test(`${page}, followed word for word, ends with a driver that keeps every promise`, async (t) => {
    const copy = await makeFolder(t)
    for (const path of ['src', 'test', 'playground', 'config', 'package.json', 'tsconfig.json'])
      cpSync(join(root, path), join(copy, path), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    const blocks = [...text(page).matchAll(/^```ts (\S+)\n(.*?)^```$/gms)]
    assert.equal(blocks.length, 2)
    for (const [, path, code] of blocks) {
      mkdirSync(dirname(join(copy, path!)), { recursive: true })
      writeFileSync(join(copy, path!), code!)
    }
    register(join(copy, registry), word)
    const said = await inCopy(copy, [
      '--test',
      '--test-timeout=60000',
      tests,
      'test/registries.test.ts',
      'test/architecture.test.ts',
    ])
    assert.match(said, /fail 0/, said)
    assert.doesNotMatch(said, /pass 0/)
    const typed = await inCopy(copy, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit'])
    assert.equal(
      typed
        .split('\n')
        .filter((line) => line.includes(word))
        .join('\n'),
      '',
    )
  })

/** What step 2 of each page says. */
function register(path: string, word: string): void {
  const before = readFileSync(path, 'utf8')
  const after = `import { ${word} } from './${word}.ts'\n${before.replace(/\]\s*$/, `, ${word}]\n`)}`
  assert.match(after, new RegExp(`, ${word}\\]`))
  writeFileSync(path, after)
}

function inCopy(cwd: string, args: string[]): Promise<string> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env // else the inner run reports to the outer one
  return new Promise((done) =>
    execFile(process.execPath, args, { cwd, env, maxBuffer: 64e6 }, (_error, stdout, stderr) =>
      done(stdout + stderr),
    ),
  )
}
