/** Calendar fields of a UTC time. */
export interface Civil {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
}

/**
 * Calendar fields of an hour counted from 1970-01-01T00:00Z, in the proleptic Gregorian calendar. Integers only, so that
 * no range, zone or leap rule of JS `Date` takes part (RELIABILITY input 22).
 * @see https://howardhinnant.github.io/date_algorithms.html civil_from_days
 */
export function civilOfHour(hours: number): Civil {
  const days = Math.floor(hours / 24)
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    hour: hours - days * 24,
  }
}

/** How a time is written in a path. `date` is `YYYY-MM-DD`; the others are their own field or, in full, all coarser ones. */
export type TimeFormat = 'year' | 'month' | 'day' | 'hour' | 'year-month' | 'date' | 'date-hour'

export function formatHour(hours: number, format: TimeFormat): string {
  const { year, month, day, hour } = civilOfHour(hours)
  const yyyy = year < 0 ? `-${digits(-year, 4)}` : digits(year, 4)
  switch (format) {
    case 'year':
      return yyyy
    case 'month':
      return digits(month, 2)
    case 'day':
      return digits(day, 2)
    case 'hour':
      return digits(hour, 2)
    case 'year-month':
      return `${yyyy}-${digits(month, 2)}`
    case 'date':
      return `${yyyy}-${digits(month, 2)}-${digits(day, 2)}`
    case 'date-hour':
      return `${yyyy}-${digits(month, 2)}-${digits(day, 2)}-${digits(hour, 2)}`
  }
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

export const hoursPer = { second: 3600, milli: 3_600_000, micro: 3_600_000_000 } as const
