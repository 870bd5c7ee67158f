import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { filesIn, makeKey, toRecipients } from '../support/encrypted.ts'
import { gpgRecipients } from '../support/keys.ts'
import { makeWorld, makeWorldFolder, type World } from '../support/world.ts'

/** A world whose program for encryption always says that all is well.
 * @param encrypts  what it does, in the place of `"$real" "$@"` */
async function makeLiar(
  t: TestContext,
  encrypts: string,
  { tool = 'age', isReader = false } = {},
): Promise<World> {
  const folder = await makeWorldFolder(t)
  const key = makeKey(folder, 'mine')
  const bin = join(folder, 'liar')
  mkdirSync(bin)
  const decides = `case "$*" in *-e*) ${encrypts}; exit 0;; *) exec "$real" "$@";; esac`
  writeFileSync(join(bin, tool), `#!/bin/sh\nreal=/usr/bin/${tool}\n${decides}\n`, { mode: 0o755 })
  const identity = isReader ? { identity_file: key.file } : {}
  const forGpg = (): Record<string, unknown> => {
    const { type, recipients } = gpgRecipients(folder).encryption
    return { type, recipients: [...recipients], waive_decrypt_test: true }
  }
  const encryption = tool === 'age' ? { ...toRecipients(key), ...identity } : forGpg()
  return makeWorld(t, { folder, path: [bin], global: { compression: 'none', encryption } })
}

const onlyLess = 'f=$(mktemp); cat > $f; n=$(wc -c < $f)'
const lies = [
  ['age wrote something else', 'cat > /dev/null; echo x', {}],
  ['age wrote nothing', 'cat > /dev/null', {}],
  ['age wrote half of it', '"$real" "$@" | { head -c 3000; cat > /dev/null; }', {}],
  ['age lost the last byte', '"$real" "$@" | head -c -1', {}],
  [
    'age cut the details',
    `${onlyLess}; if [ $n -lt 1500 ]; then "$real" "$@" < $f | head -c 300; else "$real" "$@" < $f; fi; rm $f`,
    {},
  ],
  [
    'age changed the details',
    `${onlyLess}; if [ $n -lt 1500 ]; then tr a b < $f | "$real" "$@"; else "$real" "$@" < $f; fi; rm $f`,
    { isReader: true },
  ],
  ['gpg wrote half of it', '"$real" "$@" | { head -c 1500; cat > /dev/null; }', { tool: 'gpg' }],
] as const

for (const [what, encrypts, how] of lies)
  test(`a backup fails and leaves nothing when ${what} and said that all is well`, async (t) => {
    const world = await makeLiar(t, encrypts, how)
    const run = await world.backup()
    assert.equal(run.state, 'failed')
    assert.match(run.fault!.text, /no whole (age|gpg) file|do not decrypt|never encrypted|not a whole/)
    assert.deepEqual(
      filesIn(world.storageDir).filter((file) => /\.(age|gpg)$|manifest/.test(file)),
      [],
    )
  })
