import { passed, type Check } from '../core/checks.ts'
import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { asFault } from '../core/faults.ts'
import { suffix } from '../core/keys.ts'
import type { CheckLine } from '../sources/source.ts'
import { checkChoice } from './doctor/choice.ts'
import { checkClock, type Reading } from './doctor/clock.ts'
import { checkEncryption } from './doctor/encryption.ts'
import { checkFolders } from './doctor/folders.ts'
import { checkHooks } from './doctor/hooks.ts'
import { checkNotifications } from './doctor/notifications.ts'
import { checkPlaces } from './doctor/places.ts'
import { openSource, runFolder, strategyOf, type EngineContext } from './context.ts'

const deadlineMs = 20_000
const atOnce = 8 // a hundred databases must not be asked in the same second

export interface Diagnosis {
  title: string
  checks: Check[]
}

/** Tries everything a backup and a restore need, without making one. Each part by itself and with a deadline, so that one
 * call shows all that is wrong.
 * @param only  these strategies, or one; null = all */
export async function diagnose(
  context: EngineContext,
  only: string | readonly string[] | null,
): Promise<Diagnosis[]> {
  const { config } = context
  const strategies =
    only === null ? config.strategies : [only].flat().map((name) => strategyOf(context, name))
  const readings: Reading[] = []
  const databases = inTurns(strategies, (strategy) => checkDatabase(context, strategy, readings))
  const slack = checkSlack(context, readings)
  return Promise.all([
    part('configuration', async () => checkConfiguration(context)),
    part('databases', async () => (await databases).flat()),
    part('places', () => checkPlaces(context, only === null ? null : strategies, deadline())),
    part('encryption', () => checkEncryption(context, strategies, deadline())),
    part('hooks', async () => checkHooks(context, strategies)),
    part('folders', () => checkFolders(context)),
    part('slack', () => slack),
    part('notifications', () => checkNotifications(context, deadline())),
    part('clock', async () => {
      await Promise.allSettled([databases, slack])
      return checkClock(readings)
    }),
  ])
}

const deadline = (): AbortSignal => AbortSignal.timeout(deadlineMs)

async function part(title: string, tryIt: () => Promise<Check[]>): Promise<Diagnosis> {
  return { title, checks: await tryIt().catch((error: unknown) => [failure(title, error)]) }
}

function failure(name: string, error: unknown): Check {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return {
      name,
      state: 'failed',
      text: `no answer in ${formatDuration(deadlineMs)}`,
      hint: 'look at the network between here and there',
    }
  const { message, hint } = asFault(error)
  return { name, state: 'failed', text: message, hint }
}

/** `place  key  what is doubtful  what to write instead`, each part for itself. */
export function warned(warning: string): Check {
  const parts = warning.split('  ')
  const hint = parts.length > 2 ? parts.pop()! : null
  return { name: 'configuration', state: 'warning', text: parts.join(' · '), hint }
}

function checkConfiguration({ config }: EngineContext): Check[] {
  const warnings = config.warnings.map(warned)
  const slack = config.slack === null ? ', no Slack' : ''
  const counts = `${count(config.strategies.length, 'strategy', 'strategies')}, ${count(config.storages.length, 'place', 'places')}`
  return [passed('configuration', `${config.file}: ${counts}${slack}`), ...warnings]
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}

async function checkDatabase(
  context: EngineContext,
  strategy: Strategy,
  readings: Reading[],
): Promise<Check[]> {
  const random = (): number => context.clock.random()
  const id = `plan-doctor-${suffix(random)}${suffix(random)}`
  const source = await openSource(context, strategy, { id, folder: runFolder(context, id) })
  const signal = deadline()
  try {
    const lines = await within(source.check(signal), signal)
    const asked = context.clock.now()
    const time = lines.every(({ ok }) => ok) ? await source.now?.(signal).catch(() => null) : null
    if (typeof time === 'number')
      readings.push({
        of: `the database server of ${strategy.name}`,
        time,
        asked,
        answered: context.clock.now(),
      })
    return [...inOneLine(strategy.name, lines), ...(await checkChoice(strategy, source, { lines, signal }))]
  } catch (error) {
    return [failure(strategy.name, error)]
  } finally {
    await source.close()
  }
}

/** A driver may be in the middle of something that no signal ends. */
function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  return Promise.race([work, promise])
}

/** What is well is one line; what is not has its own. */
function inOneLine(name: string, lines: CheckLine[]): Check[] {
  const well = lines.filter(({ ok }) => ok).map(({ text }) => text)
  const wrong = lines.filter(({ ok }) => !ok)
  return [
    ...(well.length === 0 ? [] : [passed(name, well.join(' · '))]),
    ...wrong.map(({ text, hint }): Check => ({ name, state: 'failed', text, hint })),
  ]
}

async function checkSlack(context: EngineContext, readings: Reading[]): Promise<Check[]> {
  const checks: Check[] = []
  for (const notifier of (await context.notifiers()).filter(({ once }) => !once)) {
    const asked = context.clock.now()
    const found = await notifier.inspect?.(deadline())
    if (!found) continue
    checks.push(...found.checks)
    if (found.time !== null)
      readings.push({ of: found.of, time: found.time, asked, answered: context.clock.now() })
  }
  return checks
}

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
