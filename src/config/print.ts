import { stringify } from 'yaml'
import type { Config } from '../core/config.ts'

/** The configuration as YAML, with secrets as `***` and every `${…}` replaced. */
export function redactedYaml(config: Pick<Config, 'redacted'>): string {
  return stringify(config.redacted, { lineWidth: 0 })
}
