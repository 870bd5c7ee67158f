import { rm, stat } from 'node:fs/promises'
import { passed, type Check } from '../../core/checks.ts'
import type { Strategy } from '../../core/config.ts'
import { asFault } from '../../core/faults.ts'
import { encodingChain, encryptionFacts, withChain } from '../chain.ts'
import type { EngineContext } from '../context.ts'
import { isUntested } from '../decrypt-test.ts'
import { makeRunFolder } from '../folders.ts'
import { encryptedHow } from '../reading-keys.ts'
import { newRunId } from '../restore/requests.ts'

/** Of each encrypted strategy: the program is there, its keys are keys, and somebody showed that they decrypt. */
export async function checkEncryption(
  context: EngineContext,
  strategies: readonly Strategy[],
  signal: AbortSignal,
): Promise<Check[]> {
  const checks: Check[] = []
  for (const strategy of strategies)
    if (strategy.encryption) checks.push(...(await checkOne(context, strategy, signal)))
  return checks
}

async function checkOne(context: EngineContext, strategy: Strategy, signal: AbortSignal): Promise<Check[]> {
  const name = `${strategy.name} encryption`
  const runId = newRunId(context)
  const folder = await makeRunFolder(context, runId)
  const said = (tool: string, line: string): void => context.log.debug('a tool said', { tool, line })
  const tools = { processes: context.processes, running: { signal, runId, said }, folder }
  try {
    const facts = await encryptionFacts(context.filters, strategy.encryption, tools)
    const chain = encodingChain(context.filters, strategy)
    await withChain({ chain, direction: 'encode' }, tools, async () => undefined)
    return [
      passed(name, `${encryptedHow(facts!)}${reader(strategy)}`),
      ...(await keyFileCheck(name, strategy)),
      ...(await testCheck(context, name, strategy)),
    ]
  } catch (error) {
    const { message, hint } = asFault(error)
    return [{ name, state: 'failed', text: message, hint }]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function reader({ encryption }: Strategy): string {
  const cannot = encryption!.passphrase === null && encryption!.identityFile === null
  return cannot ? ' · this host cannot read them' : ' · this host can read them'
}

async function keyFileCheck(name: string, { encryption }: Strategy): Promise<Check[]> {
  const { identityFile } = encryption!
  if (identityFile === null) return []
  const { mode } = await stat(identityFile)
  if ((mode & 0o077) === 0) return []
  return [
    {
      name,
      state: 'warning',
      text: `${identityFile} can be read by others than its owner`,
      hint: `chmod 600 ${identityFile}`,
    },
  ]
}

async function testCheck(context: EngineContext, name: string, strategy: Strategy): Promise<Check[]> {
  if (strategy.encryption!.waiveDecryptTest) {
    const text = 'nobody has to show that they can be decrypted (waive_decrypt_test)'
    return [{ name, state: 'warning', text, hint: 'a test takes a minute: remove it and type decrypt-test' }]
  }
  if (!(await isUntested(context, strategy)))
    return [passed(name, 'somebody decrypted a word with these keys')]
  return [
    {
      name,
      state: 'failed',
      text: 'nobody has shown yet that they can be decrypted, and no backup is made before',
      hint: `type decrypt-test ${strategy.name}`,
    },
  ]
}
