import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createProcesses } from '../../src/sys/process.ts'
import { systemClock } from '../../src/sys/clock.ts'

/** What a stub does instead of its program. `$REAL` is the real one, `$SELF` the stub's own folder. */
export const misbehaviour = {
  halfThenExit0: `"$REAL" "$@" > "$SELF/full" && head -c $(($(stat -c %s "$SELF/full") / 2)) "$SELF/full"; exit 0`,
  halfThenExit1: `"$REAL" "$@" > "$SELF/full" && head -c $(($(stat -c %s "$SELF/full") / 2)) "$SELF/full"; exit 1`,
  fullThenExit1: `"$REAL" "$@"; exit 1`,
  nothingThenExit0: 'exit 0',
  hangsIgnoringTerm: `trap '' TERM; head -c 100000 /dev/zero; while :; do sleep 100; done`,
  noisy: `head -c 100000000 /dev/zero | tr '\\0' 'n' | fold -w 200 >&2; exec "$REAL" "$@"`,
  failsOnce: `[ -e "$SELF/failed" ] && exec "$REAL" "$@"; touch "$SELF/failed"; cat > /dev/null; exit 1`,
  fails: 'cat > /dev/null; exit 1',
  /** Ended from outside in the middle of its work, the first time. */
  killedOnce: `[ -e "$SELF/failed" ] && exec "$REAL" "$@"; touch "$SELF/failed"; head -c 20000 | "$REAL" "$@"; kill -KILL $$`,
} as const

export interface StubOptions {
  /** Only calls with this argument misbehave, e.g. `-dc`. */
  only?: string
  /** What `--version` answers instead of the real program's words. */
  version?: string
}

/** A program that misbehaves, in a folder to be put first on PATH. @returns the folder */
export async function stubTool(
  folder: string,
  program: string,
  script: string,
  options: StubOptions = {},
): Promise<string> {
  const bin = join(folder, `stub-${program}`)
  await mkdir(bin, { recursive: true })
  const real = realProgram(program)
  const version = options.version ? `echo '${options.version}'; exit` : `exec "$REAL" --version`
  const lines = [
    '#!/bin/sh',
    `REAL='${real}'; SELF='${bin}'`,
    `case " $* " in *" --version "*) ${version};; esac`,
    ...(options.only ? [`case " $* " in *" ${options.only} "*) ;; *) exec "$REAL" "$@";; esac`] : []),
    script,
  ]
  const path = join(bin, program)
  await writeFile(path, `${lines.join('\n')}\n`)
  await chmod(path, 0o755)
  return bin
}

/** Debian's own pg_dump is a wrapper that looks for the server of the account; we want the program itself. */
function realProgram(program: string): string {
  const folders = program.startsWith('pg_') ? '/usr/lib/postgresql/15/bin:' : ''
  const found = createProcesses({ PATH: `${folders}${process.env.PATH}` }, systemClock).find(program)
  if (!found) throw new Error(`${program} is not installed`)
  return found
}
