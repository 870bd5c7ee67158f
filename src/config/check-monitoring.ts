import { defaults } from './defaults.ts'
import type { Examination } from './examine.ts'
import { isMapping } from './pointer.ts'

/** Health and metrics may share a server, and then each needs its own path. */
export function checkMonitoring({ root, findings }: Examination): void {
  const at = '/global/monitoring'
  const global = isMapping(root.global) ? root.global : {}
  const { health_check: health, metrics } = isMapping(global.monitoring) ? global.monitoring : {}
  if (!isMapping(health) || !isMapping(metrics) || metrics.enabled === false || !findings.clean(at)) return
  const one: Record<string, unknown> = { ...defaults.health_check, ...health }
  const other: Record<string, unknown> = { ...defaults.metrics, ...metrics }
  if (one.port !== other.port || one.path !== other.path) return
  const wrong = `health is served at ${String(one.path)} on this port already`
  findings.mistake(`${at}/metrics/path`, wrong, `write path: ${defaults.metrics.path}`)
}
