/**
 * PostgreSQL's binary COPY format: a header, then per row an int16 number of fields and per field an int32 length (-1 for
 * null) with that many bytes, then an int16 -1. All integers are big-endian.
 * @see https://www.postgresql.org/docs/current/sql-copy.html (Binary Format)
 */
export const copyHeader = Uint8Array.from([
  ...new TextEncoder().encode('PGCOPY\n'),
  0xff,
  0x0d,
  0x0a,
  0x00,
  ...[0, 0, 0, 0],
  ...[0, 0, 0, 0],
])

export const copyTrailer = Uint8Array.of(0xff, 0xff)

/** Bytes of a field's length. */
export const lengthBytes = 4
/** Bytes of a row's number of fields. */
export const countBytes = 2

/** Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from. */
export const epochDays = 10_957
export const epochMillis = epochDays * 86_400_000
