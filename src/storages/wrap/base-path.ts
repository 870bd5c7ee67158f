const longestBasePath = 500 // places allow keys of 1024 bytes, ours have at most 512

/** A folder in a bucket as people write it: '' or without '/' at its ends. */
export function basePathOf(written: string | undefined): string {
  return (written ?? '').replace(/^\/+|\/+$/g, '')
}

/** Words for what is no folder, or null. */
export function judgeBasePath(written: string | undefined): { mistake: string; hint: string } | null {
  const base = basePathOf(written)
  const odd = base !== '' && base.split('/').some((part) => ['', '.', '..'].includes(part))
  if (!odd && /^[A-Za-z0-9._/-]*$/.test(base) && base.length <= longestBasePath) return null
  return {
    mistake: 'base_path is not a folder',
    hint: 'write one such as backups/databases: letters, digits, . _ - and /',
  }
}
