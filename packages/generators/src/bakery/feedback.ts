import type { Row } from '../domain.ts'
import type { Random } from '../prng.ts'
import { hourMs, minuteMs } from './calendar.ts'
import { cities, customerId, products } from './entities.ts'
import { uuid } from '../uuid.ts'
import type { Receipt } from './sales.ts'

const topicNames = ['taste', 'freshness', 'service', 'price', 'choice', 'cleanliness'] as const
const praise: Readonly<Record<string, string>> = {
  en: 'Lovely as always, thank you!',
  de: 'Wie immer sehr gut – gerne wieder.',
  fr: 'Très bon, comme d’habitude. Merci !',
  pt: 'Muito bom, voltarei com certeza.',
  et: 'Väga hea, tulen kindlasti tagasi.',
}
const complaints: Readonly<Record<string, readonly [late: string, soldOut: string]>> = {
  en: ['Waited far too long.', 'Sold out again when I came.'],
  de: ['Viel zu lange gewartet.', 'Schon wieder ausverkauft, schade für die schöne Bäckerei.'],
  fr: ['Beaucoup trop d’attente.', 'Encore en rupture quand je suis arrivé…'],
  pt: ['Esperei demasiado tempo.', 'Já não havia nada à hora de almoço.'],
  et: ['Ootasin liiga kaua.', 'Jälle läbi müüdud.'],
}

/** What customers say about real receipts, minutes to two days after the visit. */
export function createFeedback(options: { readonly random: Random; readonly emit: (row: Row, at: number) => void }) {
  const { random, emit } = options
  let number = 0
  return {
    /** Perhaps the customer of a receipt writes something. */
    consider(receipt: Receipt): void {
      const annoyed = receipt.missed || receipt.crowded
      const chance = (receipt.customer === null ? 0.01 : 0.035) * (annoyed ? 1.6 : 1)
      if (!random.chance(chance)) return
      const delay = Math.min(47 * hourMs, 8 * minuteMs + random.exponential(5 * hourMs))
      const submittedAt = receipt.at + Math.round(delay)
      const mood = 2.6 + receipt.store.care * 2.4 - (receipt.missed ? 1.1 : 0) - (receipt.crowded ? 0.6 : 0)
      const rating = Math.min(5, Math.max(1, Math.round(random.normal(mood, 0.8))))
      const { language } = cities[receipt.store.city]!
      const commented = random.chance(rating <= 2 ? 0.75 : 0.35)
      const complaint = complaints[language]![receipt.missed ? 1 : 0]
      const about = random.chance(0.7)
      const contact = receipt.customer !== null && random.chance(0.3)
      const topics = topicNames.filter((topic) =>
        random.chance(topic === 'choice' && receipt.missed ? 0.7 : topic === 'service' && receipt.crowded ? 0.6 : 0.15),
      )
      number++
      emit(
        {
          event_id: uuid(random),
          feedback_id: `FB-${String(number).padStart(7, '0')}`,
          store_id: receipt.store.id,
          customer_id: receipt.customer === null ? null : customerId(receipt.customer),
          product_id: about ? products[receipt.product]!.id : null,
          receipt_number: random.chance(0.85) ? receipt.number : null,
          channel:
            receipt.customer === null
              ? random.pick(['WEB', 'IN_STORE', 'PHONE'])
              : random.pick(['APP', 'APP', 'EMAIL', 'WEB']),
          rating,
          recommend_score: random.chance(0.6) ? Math.min(10, Math.max(0, rating * 2 + random.between(-1, 1))) : null,
          comment: commented ? (rating >= 4 ? praise[language]! : complaint) : null,
          language: commented ? language : null,
          topics,
          contact_email: contact ? `customer${receipt.customer}@example.com` : null,
          contact_allowed: contact,
          submitted_at: BigInt(submittedAt),
        },
        submittedAt + random.between(100, 30_000),
      )
    },
  }
}
