import type { Row } from './row.ts'

const postgres = 'sources/postgres/faults.test.ts'
const hostile = 'fuzz/hostile.test.ts'
const webhook = 'notifiers/webhook.test.ts'

export const hostileInputFaults: readonly Row[] = [
  {
    fault: 'YAML bombs, duplicate keys, `__proto__`',
    by: [
      [hostile, 'configuration files (15 %)'],
      ['config/document.test.ts', 'aliases that multiply are refused before they fill the memory'],
      [
        'config/mutations.test.ts',
        'whatever happens to a file, it loads or its mistakes are listed, within 50 ms',
      ],
    ],
  },
  {
    fault: '4 KB of unicode, `../../etc`, `host=evil dbname=x` in commands',
    by: [
      [hostile, 'what is typed into Slack (40 %)'],
      [hostile, 'arguments of the command line (15 %)'],
      ['commands/words.test.ts', 'whatever is typed is understood or refused with a Fault, at once'],
    ],
  },
  {
    fault: 'names that climb or steer',
    by: [
      [hostile, 'names, keys and ids (20 %)'],
      [
        'contracts/storage.ts',
        'a key that is absolute, climbs, is odd or too long is refused by every operation',
      ],
      [postgres, 'host=evil.invalid dbname=x'],
    ],
  },
  {
    fault: 'mention bombs in commands and in error text of databases',
    by: [
      ['slack/blocks/limits.test.ts', 'every message fits Slack and mentions nobody by accident'],
      [hostile, 'what is typed into Slack (40 %)'],
    ],
  },
  { fault: 'bytes sent to the HTTP server', by: [[hostile, 'bytes sent to the HTTP server (5 %)']] },
  {
    fault: 'a webhook to 169.254.169.254, by redirect and rebinding too',
    by: [
      [webhook, 'addresses that are not called (webhook to 169.254.169.254 and its like)'],
      [webhook, 'a redirect to such an address is not followed'],
      [webhook, 'a name that resolves differently the second time is refused'],
    ],
  },
]
