import { matrix } from './matrix.ts'
import type { Row } from './matrix/row.ts'

/** docs/faults.md, from the table. */
export function faultsPage(): string {
  const areas = Object.entries(matrix).map(([area, rows]) => `## ${area}\n\n${table(rows)}`)
  return `<!-- Made from test/faults/matrix/ by scripts/generate-faults-page.ts. -->

# What can go wrong, and where it is tried

Each fault is done to the real program, in a test of every run. After most of them everything is looked at that must hold whatever
happened: one end for each run, told; each listed backup whole; nothing else in any place; no process, file, session or upload left;
no slot run twice; no secret anywhere (\`test/support/scene.ts\`).

What is marked *torture* happens at random moments, too: \`npm run torture -- --minutes 60\` hurts a running installation again and
again, looks at everything after each time, and prints the seed that replays it.

${areas.join('\n\n')}
`
}

function table(rows: readonly Row[]): string {
  return [
    '| Fault | Tried by |',
    '|---|---|',
    ...rows.map((row) => `| ${row.fault} | ${covers(row)} |`),
  ].join('\n')
}

function covers({ by = [], torture = [], later }: Row): string {
  const tests = by.map(([file, title]) => `[${file}](../test/${file}): ${title.replaceAll('|', '\\|')}`)
  const kinds = torture.length > 0 ? [`*torture*: ${torture.join('; ')}`] : []
  return [...tests, ...kinds, ...(later ? [`comes with ${later}`] : [])].join('<br>')
}
