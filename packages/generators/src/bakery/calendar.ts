/** Time as a bakery feels it. All functions are pure; times are milliseconds since epoch, offsets whole hours. */

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** Hour of the day, 0-23, at a UTC offset. */
export function localHour(at: number, utcOffsetHours: number): number {
  return Math.floor((at + utcOffsetHours * hourMs) / hourMs) % 24
}

/** Days since epoch at a UTC offset. */
export function localDay(at: number, utcOffsetHours: number): number {
  return Math.floor((at + utcOffsetHours * hourMs) / dayMs)
}

/** 0 = Monday … 6 = Sunday. 1970-01-01 was a Thursday. */
export function weekday(day: number): number {
  return (((day + 3) % 7) + 7) % 7
}

/** Position in the year as a phase: 0 at mid-January (coldest), 0.5 at mid-July (warmest). */
export function seasonPhase(day: number): number {
  const phase = (day - 14) / 365.2425
  return phase - Math.floor(phase)
}

/** -1 in mid-winter … 1 in mid-summer. */
export function summerness(day: number): number {
  return -Math.cos(2 * Math.PI * seasonPhase(day))
}

/** Demand of a weekday relative to the mean, Monday first: quiet weekdays, a strong Saturday, a short Sunday. */
export const weekdayDemand: readonly number[] = [0.86, 0.84, 0.9, 0.95, 1.12, 1.48, 0.85]

/** Share of a full day's customers by local hour: breakfast, lunch, a small peak after work. Sums to 1. */
export const hourShare: readonly number[] = [
  0, 0, 0, 0, 0, 0.012, 0.075, 0.125, 0.118, 0.088, 0.071, 0.077, 0.094, 0.074, 0.05, 0.051, 0.062, 0.058, 0.032, 0.009,
  0.004, 0, 0, 0,
]

/** Demand of the season: less in summer holidays, more before Christmas (days 335-358 of the year). */
export function seasonDemand(day: number): number {
  const date = new Date(day * dayMs)
  const christmas = date.getUTCMonth() === 11 && date.getUTCDate() <= 24 ? 0.18 : 0
  return 1 - 0.07 * summerness(day) + christmas
}

/** `20260105` for a day since epoch. */
export function compactDate(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '')
}
