export { describeError, runCli, type CliOptions, type Command } from './cli.ts'
export { byteSize, duration, loadConfig, secret, type ConfigSources } from './config.ts'
export { RuntimeError, runtimeErrors, type RuntimeErrorCode } from './errors.ts'
export { createLogger, type Logger, type LoggerOptions } from './logger.ts'
export {
  createMetricsRegistry,
  serveMetrics,
  type Health,
  type MetricsServer,
  type MetricsServerOptions,
} from './metrics.ts'
export { createProgress, type Progress, type ProgressOptions } from './progress.ts'
export { Secret } from './secret.ts'
export { onShutdown, type Shutdown, type ShutdownOptions } from './signals.ts'
export { formatBytes, renderTable, type TableColumn } from './table.ts'
