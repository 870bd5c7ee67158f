/** Slack's packages reject promises that nobody can await (an envelope without an event, an acknowledgement into a closed
 * socket). Node would end the process, and running backups with it. Every other rejection ends it as before.
 * @returns takes the guard away */
export function guardRejections(report: (reason: string) => void): () => void {
  const guard = (reason: unknown): void => {
    if (!isSlacks(reason)) throw reason
    report(reason.message)
  }
  process.on('unhandledRejection', guard)
  return () => void process.off('unhandledRejection', guard)
}

function isSlacks(reason: unknown): reason is Error {
  return reason instanceof Error && (reason.stack ?? '').includes('/node_modules/@slack/')
}
