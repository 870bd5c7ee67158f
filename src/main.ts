import { openTerminal } from './cli/terminal.ts'
import { runCli } from './cli/cli.ts'

/** argv → cli. The composition root is loaded only by commands that need it. */
const door = async () => (await import('./app.ts')).appDoor

// A reader that is gone (`| head`, a log collector that died) is no error, and ends neither the work nor the service.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(1)
})

process.exitCode = await runCli({ argv: process.argv.slice(2), terminal: openTerminal(process), door })
