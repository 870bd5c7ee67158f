const passedOn = [
  'PATH',
  'HOME',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]

/** What a child gets of our own environment: harmless variables only. English messages, because we read them. */
export function allowListed(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = passedOn.flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]] as const],
  )
  return { ...Object.fromEntries(kept), LC_ALL: 'C.UTF-8' }
}
