import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { age } from '../../src/filters/age/index.ts'
import { decodingChain } from '../../src/engine/chain.ts'
import { decodeBytes, encodeBytes } from '../../src/engine/pipeline.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { createProcesses } from '../../src/sys/process.ts'
import { filesIn, makeKey, toRecipients, verify } from '../support/encrypted.ts'
import { ageRecipients } from '../support/keys.ts'
import { makeWorld, makeWorldFolder } from '../support/world.ts'

/** With one letter of its key changed, behind a comment. */
function mistype(file: string): { typo: string; mistyped: string } {
  const secret = /AGE-SECRET-KEY-\S+/.exec(readFileSync(file, 'utf8'))![0]
  const mistyped = secret.slice(0, 30) + (secret[30] === 'Q' ? 'P' : 'Q') + secret.slice(31)
  const typo = `${file}.typo`
  writeFileSync(typo, `# mine\n${mistyped}\n`)
  return { typo, mistyped }
}

for (const isInstalled of [true, false]) {
  const where = isInstalled ? '' : ', without the program of age'

  test(`a mistyped key says nothing about the backup, and is nowhere to be read${where}`, async (t) => {
    const folder = await makeWorldFolder(t)
    const mine = makeKey(folder, 'mine')
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    symlinkSync('/usr/bin/gzip', join(bin, 'gzip'))
    const programs = isInstalled ? {} : { onlyPath: bin }
    const world = await makeWorld(t, { folder, ...programs, global: { encryption: toRecipients(mine) } })
    const { id } = (await world.backup()).backup!
    const { typo, mistyped } = mistype(mine.file)
    const run = await verify(world, id, typo)
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'key-wrong'])
    assert.match(run.fault!.text, /line 2 of .*typo is not an age identity/)
    assert.equal((await world.engine.backup(id, null)).view.corrupt, null)
    for (const file of filesIn(world.stateDir, world.storageDir))
      assert.ok(!readFileSync(file).includes(mistyped.slice(20)), file)
    assert.equal((await verify(world, id, mine.file)).verify?.level, 'V2')
  })

  test(`decrypting with a mistyped key says which line it is, and does not quote it${where}`, async (t) => {
    const folder = await makeWorldFolder(t)
    const { encryption } = ageRecipients(folder)
    const processes = createProcesses(isInstalled ? process.env : { PATH: '/nowhere' }, systemClock)
    const said: string[] = []
    const running = {
      signal: t.signal,
      runId: 'r-typo',
      said: (_: string, line: string) => void said.push(line),
    }
    const tools = { processes, running, folder }
    const sealed = await encodeBytes(
      Buffer.from('a dump'),
      [{ filter: age, options: { level: null, encryption } }],
      tools,
    )
    const { typo, mistyped } = mistype(encryption.identityFile!)
    const chain = decodingChain([age], ['age'], { ...encryption, identityFile: typo })
    const why = await decodeBytes(sealed, chain, tools).catch((error: unknown) => error as Error)
    assert.match(String(why), /line 2 of .*typo is not an age identity/)
    assert.ok(!JSON.stringify([said, why, (why as Error).cause]).includes(mistyped.slice(20)), String(said))
  })
}
