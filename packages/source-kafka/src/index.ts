export { KafkaError, kafkaErrors } from './errors.ts'
export type { KafkaErrorCode } from './errors.ts'
export type { KafkaConnectionOptions, KafkaSasl, KafkaTls, SecretText } from './connection/options.ts'
export { eventHubsConnection } from './connection/event-hubs.ts'
export { createKafkaSource } from './source/kafka-source.ts'
export type { KafkaAssignment, KafkaSourceOptions } from './source/options.ts'
export { createKafkaProducer } from './producer/producer.ts'
export type {
  KafkaProducer,
  KafkaProducerOptions,
  ProducerRecord,
  ProduceReceipt,
  TopicSettings,
} from './producer/producer.ts'
export { createKafkaOutput } from './producer/kafka-output.ts'
export type { KafkaOutput, KafkaOutputOptions, KafkaOutRecord } from './producer/kafka-output.ts'
export { partitionOfKey } from './producer/murmur2.ts'
export { createDeadLetterRelay } from './relay/relay.ts'
export type { RelayCounts, RelayOptions } from './relay/relay-options.ts'
export type { DeadLetterRelay } from './relay/relay.ts'
