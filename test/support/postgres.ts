/** The throw-away server of the demo serves the tests too. */
export { postgresMajors, startPostgres, type PostgresServer } from '../../playground/servers/postgres.ts'
