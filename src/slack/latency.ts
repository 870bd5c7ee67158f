/** How fast Slack was acknowledged; a late acknowledgement is silent, so we count ourselves. */
export interface Latency {
  add(ms: number): void
  read(): { count: number; p99Ms: number; slowestMs: number }
}

const kept = 1000

export function createLatency(): Latency {
  let count = 0
  let slowestMs = 0
  const recent: number[] = []
  return {
    add(ms) {
      recent[count % kept] = ms
      count += 1
      slowestMs = Math.max(slowestMs, ms)
    },
    read() {
      const sorted = recent.toSorted((a, b) => a - b)
      const p99Ms = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0
      return { count, p99Ms, slowestMs }
    },
  }
}
