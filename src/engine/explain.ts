import { strategyOf, type EngineContext } from './context.ts'
import type { RetentionView } from './facade.ts'
import { cornersOf, survey, type Corner, type Survey } from './survey.ts'

const longestMs = 10 * 60_000

/** What retention says about each backup there is, with its reason. Changes nothing.
 * @param strategy  null = of all. @throws Fault not-found */
export async function explainRetention(
  context: EngineContext,
  strategy: string | null,
): Promise<RetentionView[]> {
  const strategies = strategy === null ? context.config.strategies : [strategyOf(context, strategy)]
  const signal = AbortSignal.timeout(longestMs)
  const views: RetentionView[] = []
  for (const one of strategies)
    for (const corner of await cornersOf(context, one))
      views.push(viewOf(corner, await survey(context, corner, signal)))
  return views
}

function viewOf({ strategy, series, storage }: Corner, { policy, frozen, found }: Survey): RetentionView {
  return {
    strategy: strategy.name,
    series,
    storage: storage.name,
    timezone: strategy.timezone,
    policy: policy?.text ?? null,
    frozen,
    backups: found.map(({ copy, judgement, retainedUntil }) => ({
      id: copy.id,
      createdAt: copy.createdAt,
      storedBytes: copy.manifest.storedBytes,
      keep: judgement.keep,
      reason: judgement.reason,
      retainedUntil,
    })),
  }
}
