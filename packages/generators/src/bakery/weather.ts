import type { Random } from '../prng.ts'
import { type City, cities } from './entities.ts'
import { dayMs, localDay, localHour, summerness } from './calendar.ts'

export type Condition = 'CLEAR' | 'CLOUDY' | 'FOG' | 'DRIZZLE' | 'RAIN' | 'SNOW' | 'THUNDERSTORM'

export interface Weather {
  readonly condition: Condition
  readonly temperature: number
  readonly feelsLike: number
  readonly humidity: number
  readonly precipitation: number
  readonly windSpeed: number
  readonly windDirection: number
  readonly pressure: number
  readonly cloudCover: number
}

const round1 = (x: number) => Math.round(x * 10) / 10
const clamp = (x: number, lo: number, hi: number) => Math.min(hi, Math.max(lo, x))

/**
 * Weather of all cities, hour by hour: season and time of day give the mean, a slow anomaly (a few days) and a wet/dry
 * chain give the rest, so a rainy hour is likely to be followed by another.
 */
export function createWeather(random: Random) {
  const anomaly = cities.map(() => random.normal(0, 2.5))
  const wet = cities.map((city) => random.chance(city.wetness))
  const pressure = cities.map(() => random.normal(1015, 7))
  const direction = cities.map(() => random.int(360))
  let current: readonly Weather[] = cities.map((city, i) => observe(city, i, 0))

  function observe(city: City, i: number, at: number): Weather {
    const day = localDay(at, city.utcOffset)
    const hour = localHour(at, city.utcOffset)
    const summer = summerness(day)
    const daily = 4 * Math.cos((2 * Math.PI * (hour - 15)) / 24) * (wet[i]! ? 0.5 : 1)
    const temperature =
      city.meanTemperature + city.swing * summer + daily + anomaly[i]! - (wet[i]! && summer > 0 ? 2 : 0)
    const windSpeed = Math.abs(random.normal(wet[i]! ? 22 : 12, 7))
    const intensity = wet[i]! ? random.exponential(summer > 0.4 ? 2.2 : 1.1) : 0
    const cloudCover = clamp(Math.round(wet[i]! ? random.normal(90, 8) : random.normal(42, 30)), 0, 100)
    let condition: Condition = cloudCover > 55 ? 'CLOUDY' : 'CLEAR'
    if (wet[i]!) {
      if (temperature < 0.5) condition = 'SNOW'
      else if (intensity > 5 && summer > 0.2) condition = 'THUNDERSTORM'
      else condition = intensity < 0.4 ? 'DRIZZLE' : 'RAIN'
    } else if (hour < 9 && windSpeed < 6 && random.chance(0.25)) condition = 'FOG'
    const humidity = clamp(random.normal(wet[i]! ? 90 : 66, 7) - daily * 2, 15, 100)
    return {
      condition,
      temperature: round1(clamp(temperature, -45, 48)),
      feelsLike: round1(
        clamp(temperature - windSpeed * 0.12 + (temperature > 22 ? (humidity - 50) * 0.06 : 0), -60, 55),
      ),
      humidity: round1(condition === 'FOG' ? Math.max(humidity, 95) : humidity),
      precipitation: round1(wet[i]! ? Math.max(0.1, intensity) : 0),
      windSpeed: round1(windSpeed),
      windDirection: direction[i]!,
      pressure: round1(clamp(pressure[i]!, 960, 1050)),
      cloudCover: condition === 'CLEAR' ? Math.min(cloudCover, 55) : cloudCover,
    }
  }

  return {
    /** Moves every city to the hour that starts at `at`. */
    nextHour(at: number): void {
      current = cities.map((city, i) => {
        anomaly[i] = anomaly[i]! * 0.985 + random.normal(0, 0.45)
        pressure[i] = 1015 + (pressure[i]! - 1015) * 0.98 + random.normal(wet[i]! ? -0.5 : 0.15, 0.8)
        direction[i] = (direction[i]! + random.between(-25, 25) + 360) % 360
        // A wet spell ends with chance 0.22 an hour; the chance to begin keeps the long-run share at `wetness`.
        wet[i] = random.chance(wet[i]! ? 0.78 : (0.22 * city.wetness) / (1 - city.wetness))
        return observe(city, i, at)
      })
    },
    at: (city: number): Weather => current[city]!,
    /** What a forecaster says about `hoursAhead` from now: season and hour of then, the anomaly of now, some error. */
    forecast(cityIndex: number, at: number): Weather {
      const now = current[cityIndex]!
      const city = cities[cityIndex]!
      const hour = localHour(at, city.utcOffset)
      const day = Math.floor(at / dayMs)
      const expected =
        city.meanTemperature +
        city.swing * summerness(day) +
        4 * Math.cos((2 * Math.PI * (hour - 15)) / 24) +
        anomaly[cityIndex]! * 0.9
      const temperature = round1(clamp(expected + random.normal(0, 0.8), -45, 48))
      return { ...now, temperature, feelsLike: round1(temperature - now.windSpeed * 0.12) }
    },
  }
}

export type WeatherModel = ReturnType<typeof createWeather>

/** Customers in such weather relative to a fair day. */
export function weatherDemand(weather: Weather): number {
  const wet = { CLEAR: 1.03, CLOUDY: 1, FOG: 0.97, DRIZZLE: 0.95, RAIN: 0.86, SNOW: 0.8, THUNDERSTORM: 0.68 }
  const comfort = weather.temperature < -5 || weather.temperature > 32 ? 0.9 : 1
  return wet[weather.condition] * comfort
}
