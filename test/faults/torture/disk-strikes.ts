import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { until } from '../../support/bot.ts'
import type { House } from './house.ts'
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
    const { bavail, bsize } = statfsSync(dirname(ballast))
    execFileSync('fallocate', ['-l', String(Math.max(1, bavail - between(random, 0, 40)) * bsize), ballast])
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

/** A verification finds it, and nothing restores it; then the bytes are put back. */
async function damage(house: House, random: () => number): Promise<Heal> {
  const backup = await someBackup(house, random)
  if (!backup) return nothing
  const { file, id } = backup
  const before = readFileSync(file)
  hurt(file, before, random)
  return async () => {
    const verdict = await verify(house, id)
    if (verdict !== null) {
      assert.equal(verdict.state, 'failed', `${id} was damaged, and its verification ended ${verdict.state}`)
      assert.match(verdict.code ?? '', /object-(corrupt|missing)/, `${id}: ${verdict.code}`)
      await house.withApp((app) =>
        assert.rejects(app.engine.requestRestore({ ...restoreOf, backup: id }, app.person.actor), {
          code: 'object-corrupt',
        }),
      )
    }
    if (existsSync(dirname(file))) writeFileSync(file, before)
  }
}

const restoreOf = { strategy: null, targetDb: null, targetUrl: null, noOwner: false, reason: null }

function hurt(file: string, before: Buffer, random: () => number): void {
  const how = pick(random, ['flip', 'cut', 'extend', 'remove'] as const)
  if (how === 'remove') return rmSync(file)
  if (how === 'cut') return truncateSync(file, Math.floor(before.length * random()))
  if (how === 'extend') return appendFileSync(file, 'x')
  const bytes = Buffer.from(before)
  const at = Math.floor(random() * bytes.length)
  bytes[at]! ^= 1 << Math.floor(random() * 8)
  writeFileSync(file, bytes)
}

async function removeBehind(house: House, random: () => number): Promise<Heal> {
  const backup = await someBackup(house, random)
  if (!backup) return nothing
  rmSync(dirname(backup.file), { recursive: true, force: true })
  return () => house.withApp(async (app) => void (await app.engine.syncCatalogue()))
}

/** An older one of two or more: the newest good backup is never touched by hand. */
async function someBackup(house: House, random: () => number): Promise<{ id: string; file: string } | null> {
  return house.withApp(async (app) => {
    const listed = await app.engine.backups({ strategy: pick(random, ['shop', 'crm', 'notes']), limit: 20 })
    const good = listed.filter(({ corrupt }) => !corrupt)
    const chosen = good.length > 1 ? pick(random, good.slice(1)) : null
    if (!chosen) return null
    const { manifest } = await app.engine.backup(chosen.id, null)
    const file = join(house.diskDir, manifest.artifacts[0]!.key)
    return existsSync(file) ? { id: chosen.id, file } : null
  })
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
