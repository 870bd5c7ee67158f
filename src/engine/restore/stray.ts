import type { Strategy } from '../../core/config.ts'
import type { Manifest } from '../../core/model.ts'
import type { Sniffed, SourceDriver } from '../../sources/source.ts'
import type { EngineContext } from '../context.ts'
import type { FoundFile } from './from.ts'

/** What is known of a file that nobody vouches for; nothing is invented but an id to call it by. */
export function madeUp(
  context: EngineContext,
  {
    file,
    sniffed,
    driver,
    strategy,
  }: { file: FoundFile; sniffed: Sniffed; driver: SourceDriver; strategy: Strategy },
): Manifest {
  const { info, front } = file
  const name = info.key.slice(info.key.lastIndexOf('/') + 1)
  const facts = driver.parseUrl(strategy.source.url)
  const at = new Date(sniffed.createdAt ?? info.modifiedAt).toISOString()
  return {
    schema: 1,
    id: name.replaceAll(/\p{C}/gu, '?').slice(0, 100),
    strategy: strategy.name,
    series: sniffed.database ?? ('database' in facts ? facts.database : name),
    engine: {
      kind: driver.kind,
      name: driver.name,
      serverVersion: sniffed.serverVersion ?? '',
      toolVersion: sniffed.toolVersion,
    },
    method: 'unknown',
    format: sniffed.format,
    database: sniffed.database ?? ('database' in facts ? facts.database : name),
    endpoint: '',
    host: '',
    startedAt: at,
    endedAt: at,
    trigger: 'person',
    actor: { via: 'service', id: 'unknown' },
    attempt: 1,
    rawBytes: null,
    storedBytes: info.bytes,
    compression: 'none',
    encryption: front.seal,
    level: 'V0',
    tables: null,
    artifacts: [
      {
        name: 'dump',
        key: info.key,
        rawBytes: null,
        storedBytes: info.bytes,
        sha256: '',
        filters: front.layers,
      },
    ],
    kinds: [],
    restoreCommands: [],
    strategyConfig: null,
    tool: { name: 'easy-backup', version: context.version },
    installation: '',
    digest: '',
  }
}
