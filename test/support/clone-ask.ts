import type { RestoreAsk } from '../../src/engine/facade.ts'

/** The newest backup of a strategy into its place `staging`. */
export function cloneAsk(strategy: string, more: Partial<RestoreAsk> = {}): RestoreAsk {
  return {
    strategy,
    backup: 'latest',
    clone: 'staging',
    targetDb: null,
    targetUrl: null,
    noOwner: true,
    reason: null,
    ...more,
  }
}
