import { openTerminal } from './cli/terminal.ts'
import { runCli } from './cli/cli.ts'

/** argv → cli. The composition root is loaded only by commands that need it. */
const door = async () => (await import('./app.ts')).appDoor

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exitCode = await runCli({ argv: process.argv.slice(2), terminal: openTerminal(process), door })
