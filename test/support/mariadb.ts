/** The throw-away server of the demo serves the tests too. */
export { hasMariadb, startMariadb, type MariadbServer } from '../../playground/servers/mariadb.ts'
