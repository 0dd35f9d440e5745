export { createKafkaJsSource } from './kafkajs-source.ts'
export type { KafkaJsSourceOptions } from './kafkajs-source.ts'
