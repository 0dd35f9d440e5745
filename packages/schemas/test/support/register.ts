import { createFileRegistry } from '../../src/index.ts'

/** Registers one schema shared by all processes and ten of its own. */
const [folder, name] = process.argv.slice(2)
const registry = createFileRegistry(folder!)
const schemaOf = (record: string) => ({ type: 'record', name: record, fields: [] })
await registry.register(`${name}-value`, schemaOf('Shared'))
for (let i = 0; i < 10; i++) await registry.register(`${name}-value`, schemaOf(`${name}${i}`))
