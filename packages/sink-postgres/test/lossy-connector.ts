import type { SqlConnector, SqlSession } from '../src/index.ts'

/**
 * A connector whose `n`th statement that writes happens and is not answered: the connection is cut after the server did
 * what was asked, as a network does it.
 */
export function losingReplyOf(n: number, inner: SqlConnector): SqlConnector {
  let writes = 0
  const lost = (): Error => Object.assign(new Error('connection reset'), { code: 'ECONNRESET' })

  function counts(sql: string): boolean {
    return !/^SELECT|^BEGIN|^SAVEPOINT|^ROLLBACK/.test(sql)
  }

  return {
    name: inner.name,
    close: () => inner.close(),
    async session(signal): Promise<SqlSession> {
      const session = await inner.session(signal)
      return {
        async query(sql, params) {
          const result = await session.query(sql, params)
          if (counts(sql) && (writes += 1) === n) throw lost()
          return result
        },
        async copyIn(sql, chunks) {
          await session.copyIn(sql, chunks)
          if ((writes += 1) === n) throw lost()
        },
        release: (broken) => session.release(broken),
      }
    },
  }
}
