import type { Check } from '../../core/checks.ts'
import { formatAge } from '../../core/duration.ts'
import { nameOf } from '../../notifiers/notifier.ts'
import type { EngineContext } from '../context.ts'
import { viewNotifiers } from '../notifiers.ts'

/** Mail servers, webhooks and heartbeats: tried without telling anybody, and whether the service gave one up. */
export async function checkNotifications(context: EngineContext, signal: AbortSignal): Promise<Check[]> {
  const told = (await context.notifiers()).filter(({ once }) => once)
  const found = await Promise.all(told.map(async (notifier) => notifier.inspect?.(signal)))
  const views = await viewNotifiers(context)
  const given = views.flatMap(({ name, off }): Check[] =>
    off === null || !told.some((notifier) => nameOf(notifier) === name)
      ? []
      : [
          {
            name,
            state: 'failed',
            text: `switched off ${formatAge(context.clock.now() - off.since)}: ${off.why}`,
            hint: 'mend it, then `reload`; `notify test` tries it',
          },
        ],
  )
  return [...found.flatMap((one) => one?.checks ?? []), ...given]
}
