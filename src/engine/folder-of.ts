import { backupFolder } from '../core/keys.ts'
import type { Copy } from '../state/catalogue.ts'

/** Where a catalogued backup lies: its artifacts' folder, as the manifest says. */
export function folderOf(copy: Pick<Copy, 'id' | 'series' | 'manifest'>): string {
  const key = copy.manifest.artifacts[0]?.key
  return key
    ? key.slice(0, key.lastIndexOf('/') + 1)
    : backupFolder(copy.id, { name: copy.series, sole: true })
}
