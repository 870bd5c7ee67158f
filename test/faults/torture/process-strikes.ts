import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { until, type Bot } from '../../support/bot.ts'
import type { House } from './house.ts'
import { between, nothing, pause, pick, type Strike } from './strike.ts'

const launcher = resolve(import.meta.dirname, '../../../bin/easy-backup')

export const processStrikes: readonly Strike[] = [
  {
    kind: 'kill -9',
    family: 'process',
    strike: async ({ bot }) => {
      await bot.end('SIGKILL')
      return nothing
    },
  },
  {
    kind: 'kill -9, and again while it recovers',
    family: 'process',
    strike: async ({ bot }, random) => {
      for (let time = between(random, 1, 3); time > 0; time--) {
        await bot.end('SIGKILL')
        bot.launch()
        await pause(between(random, 100, 1_200))
      }
      await bot.end('SIGKILL')
      return nothing
    },
  },
  {
    kind: 'SIGTERM',
    family: 'process',
    strike: async ({ bot }) => {
      assert.equal(await bot.end('SIGTERM'), 0, 'after SIGTERM the service exits 0')
      return nothing
    },
  },
  {
    kind: 'SIGSTOP for seconds',
    family: 'process',
    strike: async ({ bot }, random) => {
      process.kill(bot.pid(), 'SIGSTOP')
      await pause(between(random, 500, 4_000))
      if (random() < 0.3) await bot.end('SIGKILL')
      else process.kill(bot.pid(), 'SIGCONT')
      return nothing
    },
  },
  {
    kind: 'a tool is killed',
    family: 'process',
    strike: async (house, random) => {
      const signal = pick(random, ['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGPIPE'] as const)
      const tools = await toolsSoon(house)
      if (tools.length > 0) endQuietly(pick(random, tools), signal)
      return nothing
    },
  },
  {
    kind: 'a tool is stopped, then the service killed',
    family: 'process',
    strike: async (house, random) => {
      const tools = await toolsSoon(house)
      if (tools.length > 0) endQuietly(pick(random, tools), 'SIGSTOP')
      await pause(between(random, 0, 500))
      await house.bot.end('SIGKILL')
      return nothing
    },
  },
  {
    kind: 'a second instance is started',
    family: 'process',
    strike: async ({ bot }) => {
      assert.equal(await secondInstance(bot), 50, 'a second instance on one state')
      return nothing
    },
  },
  {
    kind: 'a command is killed',
    family: 'process',
    strike: async ({ bot }, random) => {
      const child = spawn(launcher, ['run', 'crm', '--wait', '--config', bot.configPath], { stdio: 'ignore' })
      const gone = new Promise((done) => child.once('exit', done))
      await pause(between(random, 200, 1_800))
      child.kill('SIGKILL')
      await gone
      return nothing
    },
  },
  {
    kind: 'a command that works alone is killed',
    family: 'process',
    strike: async ({ bot }, random) => {
      await bot.end('SIGKILL')
      const child = spawn(launcher, ['run', 'shop', '--config', bot.configPath], { stdio: 'ignore' })
      const gone = new Promise((done) => child.once('exit', done))
      await pause(between(random, 600, 3_000))
      child.kill('SIGKILL')
      await gone
      return nothing
    },
  },
]

/** On a port of its own, so that only the state is shared. */
async function secondInstance({ configPath }: Bot): Promise<number | null> {
  const path = configPath.replace('.yml', '-second.yml')
  writeFileSync(path, readFileSync(configPath, 'utf8').replace(/port: \d+/, 'port: 0'))
  const child = spawn(launcher, ['serve', '--config', path], { stdio: 'ignore' })
  return new Promise((done) => child.once('exit', done))
}

/** The programs that the service started and that live now; waits a moment for one. */
async function toolsSoon({ bot }: House): Promise<number[]> {
  let tools: number[] = []
  const found = (): boolean => (tools = childrenOf(bot.pid())).length > 0
  await until(found, 'a tool runs', 1_500).catch(() => undefined)
  return tools
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}

function endQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it was faster
  }
}
