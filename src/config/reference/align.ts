/** Pads the tables of a page, as formatters of Markdown do: the page stays as it is when one runs over it. */
export function alignTables(page: string): string {
  return page.replaceAll(/(?:^\|.*\n)+/gm, (table) => {
    const [head, , ...rows] = table.trimEnd().split('\n').map(cellsOf)
    const all = [head!, ...rows]
    const widths = head!.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)))
    const ruler = widths.map((width) => '-'.repeat(width))
    const lines = [head!, ruler, ...rows].map((row) =>
      row.map((cell, column) => cell.padEnd(widths[column]!)),
    )
    return lines.map((row) => `| ${row.join(' | ')} |\n`).join('')
  })
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
}
