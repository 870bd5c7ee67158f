/** One of everything that Block Kit has and the playground draws. */
type Json = Record<string, unknown>

const plain = (text: string): Json => ({ type: 'plain_text', text })
const mrkdwn = (text: string): Json => ({ type: 'mrkdwn', text })
const raw = (text: string): Json => ({ type: 'raw_text', text })
const option = (text: string): Json => ({ text: plain(text), value: text })
const rich = (...elements: Json[]): Json => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
})
const say = (text: string, style?: Json): Json => ({
  type: 'text',
  text,
  ...(style === undefined ? {} : { style }),
})

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri']
const series = (name: string, values: number[]): Json => ({
  name,
  data: values.map((value, index) => ({ label: days[index], value })),
})
const cartesian = (type: string): Json => ({
  type: 'data_visualization',
  title: `Sizes as ${type}`,
  chart: {
    type,
    axis_config: { categories: days, x_label: 'Day', y_label: 'MB' },
    series: [series('shop', [120, 124, 131, 130, 142]), series('crm', [60, 61, 66, 68, 71])],
  },
})

export const texts: Json[] = [
  { type: 'header', text: plain('Everything :package:') },
  {
    type: 'section',
    text: mrkdwn(
      '*bold* _italic_ ~gone~ `code` <https://example.com|a link> <@U0BOB0001> <!subteam^S0DBA0001> <#C0ALERTS1> :white_check_mark: 5 * 3 snake_case_name\n> quoted *text*\n```pg_restore --list\n  backup.dump```',
    ),
  },
  {
    type: 'section',
    fields: [mrkdwn('*Size*\n341 MB'), mrkdwn('*Age*\n<!date^1795000000^{date_long} {time}^then>')],
  },
  { type: 'divider' },
  { type: 'context', elements: [mrkdwn('PostgreSQL 16 · `k3f9`'), plain('literal *text*')] },
  {
    type: 'rich_text',
    elements: [
      {
        type: 'rich_text_section',
        elements: [
          say('rich '),
          say('bold', { bold: true }),
          say(' and *literal* '),
          { type: 'user', user_id: 'U0ALICE01' },
        ],
      },
      {
        type: 'rich_text_list',
        style: 'bullet',
        elements: ['one', 'two'].map((each) => ({ type: 'rich_text_section', elements: [say(each)] })),
      },
      { type: 'rich_text_quote', elements: [say('quoted')] },
      { type: 'rich_text_preformatted', elements: [say('zstd -d dump.zst\npg_restore -l dump')] },
    ],
  },
  { type: 'markdown', text: '# A heading\n**bold** and a [link](https://example.com)\n- first\n- second' },
  {
    type: 'table',
    column_settings: [{ is_wrapped: true }, { align: 'right' }],
    rows: [
      [raw('Table'), raw('Rows')],
      [raw('orders'), { type: 'raw_number', value: 4812, text: '4,812' }],
      [rich(say('items', { code: true })), raw('12')],
    ],
  },
]

export const pictures: Json[] = [
  cartesian('line'),
  cartesian('area'),
  {
    type: 'plan',
    title: 'Restoring production-db',
    tasks: [
      { type: 'task_card', task_id: 'a', title: 'Safety backup', status: 'complete' },
      {
        type: 'task_card',
        task_id: 'b',
        title: 'Restore beside',
        status: 'error',
        output: rich(say('disk is full')),
      },
      { type: 'task_card', task_id: 'c', title: 'Swap', status: 'pending' },
    ],
  },
  {
    type: 'task_card',
    task_id: 'd',
    title: 'Decoding the dump',
    status: 'in_progress',
    details: rich(say('212 MB of 330 MB')),
    sources: [{ type: 'url', url: 'https://example.com', text: 'the log' }],
  },
]

export const controls: Json[] = [
  {
    type: 'section',
    text: mrkdwn('A section with a menu'),
    accessory: {
      type: 'static_select',
      action_id: 'm',
      placeholder: plain('Snooze'),
      options: [option('1 h')],
    },
  },
  {
    type: 'actions',
    elements: [
      { type: 'button', action_id: 'a', text: plain('Plain') },
      { type: 'button', action_id: 'b', text: plain('Primary'), style: 'primary', value: 'v' },
      { type: 'button', action_id: 'c', text: plain('Danger'), style: 'danger' },
      { type: 'button', action_id: 'd', text: plain('Docs'), url: 'https://example.com' },
      { type: 'users_select', action_id: 'e', placeholder: plain('Who?') },
      { type: 'conversations_select', action_id: 'f', placeholder: plain('Where?') },
      { type: 'datepicker', action_id: 'g', initial_date: '2026-11-20' },
      { type: 'overflow', action_id: 'h', options: [option('Verify')] },
    ],
  },
  {
    type: 'actions',
    elements: [
      { type: 'radio_buttons', action_id: 'r', options: [option('beside'), option('in place')] },
      {
        type: 'checkboxes',
        action_id: 'k',
        options: [option('safety backup')],
        initial_options: [option('safety backup')],
      },
    ],
  },
  {
    type: 'context_actions',
    elements: [
      {
        type: 'feedback_buttons',
        action_id: 'fb',
        positive_button: { text: plain('Good'), value: 'yes' },
        negative_button: { text: plain('Bad'), value: 'no' },
      },
      { type: 'icon_button', action_id: 'del', icon: 'trash', text: plain('Delete') },
    ],
  },
  {
    type: 'data_table',
    caption: 'With buttons',
    rows: [
      [raw('Strategy'), raw('Do')],
      [
        raw('shop'),
        {
          type: 'action_cell',
          element: { type: 'button', action_id: 'cell', text: plain('Run') },
          fallback: raw('run'),
        },
      ],
    ],
  },
  {
    type: 'data_visualization',
    title: 'Where',
    chart: {
      type: 'pie',
      segments: [
        { label: 's3', value: 60 },
        { label: 'nas', value: 30 },
        { label: 'offsite', value: 10 },
      ],
    },
  },
]

const input = (label: string, element: Json): Json => ({
  type: 'input',
  block_id: label,
  label: plain(label),
  element,
})

export const dialog: Json = {
  type: 'modal',
  callback_id: 'gallery',
  title: plain('Everything'),
  submit: plain('Send'),
  close: plain('Leave'),
  blocks: [
    ...['default', 'info', 'success', 'warning', 'error'].map((level) => ({
      type: 'alert',
      level,
      text: mrkdwn(`An alert: *${level}*`),
    })),
    input('Text', { type: 'plain_text_input', action_id: 'x', placeholder: plain('type here') }),
    input('Menu', {
      type: 'static_select',
      action_id: 'x',
      option_groups: [{ label: plain('Places'), options: [option('s3'), option('nas')] }],
      initial_option: option('nas'),
    }),
    input('Several', { type: 'multi_static_select', action_id: 'x', options: ['a', 'b', 'c'].map(option) }),
    input('Boxes', { type: 'checkboxes', action_id: 'x', options: [option('one'), option('two')] }),
    input('Number', { type: 'number_input', action_id: 'x', is_decimal_allowed: false }),
  ],
}
