import type { Check } from '../../core/checks.ts'
import type { Strategy } from '../../core/config.ts'
import { saidInVain } from '../../core/databases.ts'
import type { CheckLine, Source } from '../../sources/source.ts'

/** Does the server have every database that `include` means? Says nothing of a server that cannot be asked. */
export async function checkChoice(
  { name, source: { databases } }: Strategy,
  source: Source,
  { lines, signal }: { lines: readonly CheckLine[]; signal: AbortSignal },
): Promise<Check[]> {
  if (databases === null || lines.some(({ ok }) => !ok)) return []
  const there = (await source.series(signal)).filter(({ globals }) => !globals).map((one) => one.name)
  const vain = saidInVain(databases, there)
  return [
    ...vain.databases.map((database): Check => ({
      name,
      state: 'failed',
      text: `the server shows no database "${database}", which include names`,
      hint: 'correct include, or see which databases this user may read',
    })),
    ...vain.patterns.map((pattern): Check => ({
      name,
      state: 'warning',
      text: `include "${pattern}" chooses no database`,
      hint: 'correct it, or take it out',
    })),
  ]
}
