import { audit } from './audit.ts'
import { approve } from './approve.ts'
import { acknowledge } from './acknowledge.ts'
import { cancel } from './cancel.ts'
import { catalogSync } from './catalog-sync.ts'
import type { CommandDefinition } from './command.ts'
import { clone } from './clone.ts'
import { confirm } from './confirm.ts'
import { decryptTest } from './decrypt-test.ts'
import { digest } from './digest.ts'
import { dismiss } from './dismiss.ts'
import { doctor } from './doctor.ts'
import { download } from './download.ts'
import { drill } from './drill.ts'
import { get } from './get.ts'
import { help } from './help.ts'
import { list } from './list.ts'
import { log } from './log.ts'
import { notifyTest } from './notify-test.ts'
import { overview } from './overview.ts'
import { pause } from './pause.ts'
import { pin } from './pin.ts'
import { prune } from './prune.ts'
import { reject } from './reject.ts'
import { reload } from './reload.ts'
import { requests } from './requests.ts'
import { report } from './report.ts'
import { restore } from './restore.ts'
import { resume } from './resume.ts'
import { review } from './review.ts'
import { retentionExplain } from './retention-explain.ts'
import { run } from './run.ts'
import { schedule } from './schedule.ts'
import { show } from './show.ts'
import { snooze } from './snooze.ts'
import { status } from './status.ts'
import { undo } from './undo.ts'
import { unpin } from './unpin.ts'
import { verify } from './verify.ts'

/** Everything a person can ask, in the order of help. */
export const commands: readonly CommandDefinition[] = [
  help,
  status,
  list,
  show,
  schedule,
  overview,
  digest,
  doctor,
  decryptTest,
  run,
  cancel,
  pause,
  resume,
  acknowledge,
  snooze,
  log,
  verify,
  drill,
  restore,
  clone,
  undo,
  confirm,
  dismiss,
  approve,
  reject,
  review,
  requests,
  pin,
  unpin,
  prune,
  retentionExplain,
  get,
  download,
  reload,
  audit,
  report,
  notifyTest,
  catalogSync,
]
