import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { until } from '../../support/bot.ts'
import type { BehindPlace, House } from './house.ts'
import { between, nothing, pause, pick, type Heal, type Strike } from './strike.ts'

const dirOf = {
  storage: (house: House) => house.diskDir,
  temp: (house: House) => house.bot.tempDir,
  state: (house: House) => house.bot.stateDir,
}

const full = (what: keyof typeof dirOf): Strike => ({
  kind: `${what} is full`,
  family: 'disk',
  needs: 'mount',
  strike: async (house, random) => {
    const ballast = join(dirOf[what](house), '.ballast')
    fillUp(ballast, between(random, 0, 40) * 4096)
    await pause(between(random, 500, 3_000))
    return async () => rmSync(ballast, { force: true })
  },
})

export const diskStrikes: readonly Strike[] = [
  full('storage'),
  full('temp'),
  full('state'),
  {
    kind: 'the storage is unmounted',
    family: 'disk',
    needs: 'mount',
    strike: async ({ bot, diskDir }, random) => {
      execFileSync('umount', ['-l', bot.storageDir])
      await pause(between(random, 0, 2_500))
      return async () => void execFileSync('mount', ['--bind', diskDir, bot.storageDir])
    },
  },
  {
    kind: 'the storage becomes read-only',
    family: 'disk',
    needs: 'mount',
    strike: async ({ bot }, random) => {
      try {
        execFileSync('mount', ['-o', 'remount,bind,ro', bot.storageDir], { stdio: 'pipe' })
      } catch {
        return nothing // a file is open for writing: the system refuses, too
      }
      await pause(between(random, 0, 2_500))
      return async () => void execFileSync('mount', ['-o', 'remount,bind,rw', bot.storageDir])
    },
  },
  { kind: 'a stored object is damaged', family: 'at rest', strike: damage },
  { kind: 'a backup is removed behind us', family: 'at rest', strike: removeBehind },
]

function fillUp(ballast: string, leaving: number): void {
  for (let size = 1 << 20; size >= 512; size >>= 1)
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // smaller pieces fill the rest
    }
  truncateSync(ballast, Math.max(0, statSync(ballast).size - leaving))
}

interface Target {
  id: string
  place: BehindPlace
  /** Of the dump. */
  key: string
}

/** A verification finds it, and nothing restores it; then the bytes are put back. */
async function damage(house: House, random: () => number): Promise<Heal> {
  const target = await someBackup(house, random)
  if (!target) return nothing
  const { place, key, id } = target
  const before = Buffer.from(await place.read(key))
  hurt(target, before, random)
  return async () => {
    const verdict = await verify(house, id)
    if (verdict === null) return
    assert.equal(verdict.state, 'failed', `${id} was damaged, and its verification ended ${verdict.state}`)
    assert.match(verdict.code ?? '', /object-(corrupt|missing)/, `${id}: ${verdict.code}`)
    await house.withApp((app) =>
      assert.rejects(
        app.engine.requestRestore({ ...restoreOf, backup: id }, app.person.actor),
        (error: { code?: string }) => ['object-corrupt', 'not-found'].includes(error.code ?? ''),
      ),
    )
    if ((await place.keys()).includes(`${dirname(key)}/manifest.json`)) place.overwrite(key, before)
  }
}

const restoreOf = { strategy: null, targetDb: null, targetUrl: null, noOwner: false, reason: null }

/** Never removed as a whole: what is put back must be there to be put. */
function hurt({ place, key }: Target, before: Buffer, random: () => number): void {
  const how = pick(random, ['flip', 'cut', 'extend'] as const)
  if (how === 'cut') return place.overwrite(key, before.subarray(0, Math.floor(before.length * random())))
  if (how === 'extend') return place.overwrite(key, Buffer.concat([before, Buffer.from('x')]))
  const bytes = Buffer.from(before)
  const at = Math.floor(random() * bytes.length)
  bytes[at]! ^= 1 << Math.floor(random() * 8)
  place.overwrite(key, bytes)
}

async function removeBehind(house: House, random: () => number): Promise<Heal> {
  const target = await someBackup(house, random)
  if (!target) return nothing
  await dropBackup(target.place, target.key)
  return () => house.withApp(async (app) => void (await app.engine.syncCatalogue()))
}

/** The dump first: half of it gone is the worse case. */
export async function dropBackup(place: BehindPlace, key: string): Promise<void> {
  const folder = `${dirname(key)}/`
  for (const one of (await place.keys()).filter((each) => each.startsWith(folder))) place.drop(one)
}

/** An older one of two or more of a strategy with one place: the newest good backup is never touched by hand. */
async function someBackup(house: House, random: () => number): Promise<Target | null> {
  return house
    .withApp(async (app) => {
      const strategy = pick(random, ['crm', 'notes'] as const)
      const place = house.places[strategy === 'crm' ? 'bucket' : 'disk']
      const good = (await app.engine.backups({ strategy, limit: 20 })).filter(({ corrupt }) => !corrupt)
      const chosen = good.length > 1 ? pick(random, good.slice(1)) : null
      if (!chosen) return null
      const { manifest } = await app.engine.backup(chosen.id, null)
      const { key } = manifest.artifacts[0]!
      return (await place.keys()).includes(key) ? { id: chosen.id, place, key } : null
    })
    .catch(() => null) // retention was faster
}

/** @returns null when retention was faster */
async function verify(house: House, id: string): Promise<{ state: string; code: string | null } | null> {
  if (!house.bot.alive()) await house.bot.start()
  return house.withApp(async (app) => {
    try {
      const { id: run } = await app.engine.startVerify(id, 'V1', app.person.actor)
      await until(async () => (await app.engine.run(run)).endedAt !== null, 'the verification ended')
      const { state, fault } = await app.engine.run(run)
      const isGone = !(await app.engine.backups({ limit: 500 })).some((backup) => backup.id === id)
      return isGone ? null : { state, code: fault?.code ?? null }
    } catch (error) {
      if ((error as { code?: string }).code === 'not-found') return null
      throw error
    }
  })
}
