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
export {
  describeDoctor,
  runDoctor,
  type CheckOutcome,
  type CheckResult,
  type DoctorLine,
  type DoctorOptions,
  type DoctorReport,
  type HealthCheck,
} from './doctor.ts'
export { observePipeline, type ObserveOptions, type PipelineObserver } from './observe-pipeline.ts'
export { openTelemetryMeter, type MeterLike } from './open-telemetry.ts'
export { pipelineHealth, type HealthOptions } from './pipeline-health.ts'
export { pipelineMetricNames } from './pipeline-metrics.ts'
export { createProgress, type Progress, type ProgressOptions } from './progress.ts'
export { Secret } from './secret.ts'
export { onShutdown, type Shutdown, type ShutdownOptions } from './signals.ts'
export { formatBytes, renderTable, type TableColumn } from './table.ts'
