import type { Ask } from '../commands/ask.ts'
import type { Engine, Person } from '../commands/command.ts'
import type { Clock } from '../core/clock.ts'
import type { Config } from '../core/config.ts'
import type { Log } from '../core/log.ts'

/** What the command line needs of the composition root: `app.ts` exports one of these as `appDoor`.
 * Everything behind it is loaded only when a command asks for it, so that help is instant. */
export interface AppDoor {
  /** Reads the configuration and wires the parts.
   * @throws Fault config-invalid · state-locked (a second `serve`) · state-corrupt */
  openApp: (options: OpenOptions) => Promise<App>
  /** Reads and checks the configuration alone. @throws Fault config-invalid with every mistake, one per line */
  readConfig: (options: { configPath: string | null }) => Promise<Config>
  /** What `init` writes: YAML with comments. */
  starterFile: () => Promise<string>
  /** The configuration as YAML, secrets as `***`. */
  redactedYaml: (config: Config) => Promise<string>
}

export interface OpenOptions {
  /** `--config`; null = the default paths. */
  configPath: string | null
  /** `serve` schedules, recovers and delivers; `command` works beside it, or alone when there is none. */
  role: 'serve' | 'command'
  /** Without any configuration it works all the same, with no strategy and no place: for `restore --from`. */
  bare?: boolean
  /** `--verbose`: a command says on standard error what is logged, from `debug` on; without it only what is wrong. */
  verbose: boolean
}

export interface App {
  ask: Ask
  engine: Engine
  config: Config
  clock: Clock
  log: Log
  /** The operating-system user who typed the command. */
  person: Person
  /** A service works on the same state: it executes what this command asks. */
  besideService: boolean
  /** Keeps a passphrase that was typed, or a key that was piped in, in a private file until `close`, so that whoever does the work
   * can read it.
   * @param secret  a passphrase, or the bytes of a key file
   * @returns its path, for `keyFile` */
  lend(secret: string | Uint8Array): Promise<string>
  /** Runs until the signal is aborted, then winds down as the product page says and resolves. */
  serve(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
