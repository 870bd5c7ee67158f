/** What holds when the file says nothing; the schema shows these values and resolve uses them. As the file spells them. */
export const defaults = {
  log_level: 'info',
  timezone: 'UTC',
  schedule: '1d',
  min_keep: 2,
  compression: 'gzip',
  prove: true,
  temp_dir: '/tmp/easy-backup',
  state_dir: './data',
  max_parallel_strategies: 2,
  retry: { max_attempts: 3, delay: '10s', max_delay: '5m' },
  timeout: { backup: 0, upload: 0, restore: 0, stall: '5m' },
  restore: { expires: '30m', undo: '24h' },
  health_check: { port: 8080, path: '/health' },
  metrics: { port: 8080, path: '/metrics' },
  bind: '127.0.0.1',
  slack: { port: 3000, blocks: 'basic', api_url: 'https://slack.com/api/' },
} as const
