/** One line of the table. */
export interface Result {
  what: string
  ours: string
  reference: string
  /** What the target speaks of: a ratio, or a plain figure with its unit. */
  measured: string
  target: string
  met: boolean
}

/** A ratio of two medians against its limit. */
export function ratio(
  what: string,
  { ours, reference, unit }: { ours: number; reference: number; unit: string },
  limit: number,
): Result {
  const measured = ours / reference
  return {
    what,
    ours: figure(ours, unit),
    reference: figure(reference, unit),
    measured: `${measured.toFixed(2)} ×`,
    target: `≤ ${limit.toFixed(2)} ×`,
    met: measured <= limit,
  }
}

/** A figure that has no reference. */
export function absolute(
  what: string,
  { value, unit }: { value: number; unit: string },
  limit: { below: number },
): Result {
  return {
    what,
    ours: figure(value, unit),
    reference: '—',
    measured: figure(value, unit),
    target: `≤ ${figure(limit.below, unit)}`,
    met: value <= limit.below,
  }
}

export function figure(value: number, unit: string): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(Number.isInteger(value) ? 0 : digits)} ${unit}`
}
