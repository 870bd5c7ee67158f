/** A repeatable source of numbers in [0, 1). The seed is printed by `seedOf`, and replayed by TEST_SEED=<seed>. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // mulberry32 by Tommy Ettinger, public domain
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A fresh seed for each run of a test; say it in the test's diagnostics. */
export function seedOf(t: { diagnostic(text: string): void }): number {
  const seed = process.env.TEST_SEED ? Number(process.env.TEST_SEED) : Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`replay with TEST_SEED=${seed}`)
  return seed
}

/** Bytes that compress by about a half, like a dump. */
export function dumpLike(length: number, random: () => number): Buffer {
  const bytes = Buffer.alloc(length, 'INSERT INTO orders VALUES (1, 2, 3);\n')
  for (let at = 0; at < length; at += 64)
    for (let i = at; i < Math.min(at + 32, length); i++) bytes[i] = Math.floor(random() * 256)
  return bytes
}
