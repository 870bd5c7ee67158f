import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { page } from '../test/faults/torture/ledger.ts'
import { freshSeed, torture } from '../test/faults/torture/torture.ts'

/** Random faults against the real service; every promise is looked at after each. Exit code 1 when one is broken.
 *
 * `node scripts/torture.ts --minutes 60 [--seed 7] [--out docs/torture] [--from 12 --rounds 1] [--only 'kill -9']` */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    rounds: { type: 'string', default: 'Infinity' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})

if (!process.env.TORTURE_OWN_MOUNTS && ownMountsWork()) process.exit(againWithOwnMounts())
const seed = values.seed === undefined ? freshSeed() : Number(values.seed)
process.stdout.write(`replay with: npm run torture -- --minutes ${values.minutes} --seed ${seed}\n`)
const ledger = await torture({
  minutes: Number(values.minutes),
  seed,
  rounds: Number(values.rounds),
  from: Number(values.from),
  only: values.only ?? null,
  out: values.out ?? null,
  say: (line) => process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`),
})
process.stdout.write(`\n${page(ledger)}`)
process.exit(ledger.broken.length === 0 ? 0 : 1)

/** Mounts of a torture that dies vanish with its namespace. */
function ownMountsWork(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0
}

function againWithOwnMounts(): number {
  const args = ['--mount', '--propagation', 'private', process.execPath, ...process.argv.slice(1)]
  const { status } = spawnSync('unshare', args, {
    stdio: 'inherit',
    env: { ...process.env, TORTURE_OWN_MOUNTS: '1' },
  })
  return status ?? 1
}
