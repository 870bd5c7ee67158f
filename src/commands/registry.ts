import { cancel } from './cancel.ts'
import { catalogSync } from './catalog-sync.ts'
import type { CommandDefinition } from './command.ts'
import { confirm } from './confirm.ts'
import { dismiss } from './dismiss.ts'
import { doctor } from './doctor.ts'
import { get } from './get.ts'
import { help } from './help.ts'
import { list } from './list.ts'
import { log } from './log.ts'
import { pause } from './pause.ts'
import { pin } from './pin.ts'
import { prune } from './prune.ts'
import { reload } from './reload.ts'
import { restore } from './restore.ts'
import { resume } from './resume.ts'
import { retentionExplain } from './retention-explain.ts'
import { run } from './run.ts'
import { schedule } from './schedule.ts'
import { show } from './show.ts'
import { status } from './status.ts'
import { unpin } from './unpin.ts'
import { verify } from './verify.ts'

/** Everything a person can ask, in the order of help. */
export const commands: readonly CommandDefinition[] = [
  help,
  status,
  list,
  show,
  schedule,
  doctor,
  run,
  cancel,
  pause,
  resume,
  log,
  verify,
  restore,
  confirm,
  dismiss,
  pin,
  unpin,
  prune,
  retentionExplain,
  get,
  reload,
  catalogSync,
]

/** Commands that the documentation of later releases names: asked for today, they are told from a typing mistake. */
export const laterCommands: readonly string[] = [
  'approve',
  'audit',
  'clone',
  'download',
  'drill',
  'keygen',
  'notify',
  'report',
  'undo',
]
