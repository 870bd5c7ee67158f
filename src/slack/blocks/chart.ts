import type { KnownBlock } from '@slack/types'
import type { DigestView } from '../../core/digest.ts'
import { limits } from '../limits.ts'

/** Slack's chart, which its types do not have yet (docs.slack.dev, 2026). Messages and home tabs take it. */
interface DataVisualizationBlock {
  type: 'data_visualization'
  title: string
  chart: {
    type: 'area'
    axis_config: { categories: string[]; x_label?: string; y_label?: string }
    /** Points as `categories` names them, in that order. */
    series: { name: string; data: { label: string; value: number }[] }[]
  }
}

const fewestPoints = 3

/** The course of all sizes together, in the one unit that suits them. */
export function sizeChart({ trend, timezone }: DigestView): KnownBlock[] {
  const points = trend.slice(-limits.chart.points)
  if (points.length < fewestPoints) return []
  const { unit, size } = unitOf(Math.max(...points.map(({ bytes }) => bytes)))
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: timezone })
  const labels = distinct(points.map(({ at }) => day.format(at)))
  const data = points.map(({ bytes }, index) => ({
    label: labels[index]!,
    value: Math.round((bytes / size) * 100) / 100,
  }))
  const block: DataVisualizationBlock = {
    type: 'data_visualization',
    title: 'Newest backups together',
    chart: {
      type: 'area',
      axis_config: { categories: labels, y_label: unit },
      series: [{ name: 'Stored size', data }],
    },
  }
  return [block as unknown as KnownBlock]
}

function unitOf(bytes: number): { unit: string; size: number } {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return { unit: units[step]!, size: 1000 ** step }
}

/** Several points of one day must not share a label. */
function distinct(labels: string[]): string[] {
  return labels.map((label, at) => {
    const before = labels.slice(0, at).filter((one) => one === label).length
    return before === 0 ? label : `${label} (${before + 1})`
  })
}
