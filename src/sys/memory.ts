const everyBytes = 4 * 1024 * 1024

let passed = 0

/** Told of each chunk that passes through. A chunk's bytes live outside of V8's heap, which therefore sees no reason to
 * collect until 64 MiB of them wait; a minor collection every few megabytes takes about a millisecond and keeps memory flat
 * (promise 19). Without `--expose-gc` (the launcher sets it) nothing happens. */
export function passedThrough(bytes: number): void {
  passed += bytes
  if (passed < everyBytes) return
  passed = 0
  globalThis.gc?.({ type: 'minor' })
}
