export { addCommands, type CommandStreams } from './commands.ts'
export { describeFeed, type FeedDescription, type FeedSummary, summariseFeed } from './describe-feed.ts'
export { describePlan, figuresOf, type RunFigures } from './describe-run.ts'
export { SimulatorError, simulatorErrors, type SimulatorErrorCode } from './errors.ts'
export { executeRun, type RunContext, type RunResult } from './execute-run.ts'
export { parseFaults } from './parse-faults.ts'
export { parseRate, rateForms } from './parse-rate.ts'
export { type PlannedFeed, planRun, type RunPlan } from './plan-run.ts'
export { resolveFeeds } from './resolve-feeds.ts'
export { runConfig, type RunConfig } from './run-config.ts'
export { createSegmentLogOutput, type SegmentLogOutput, type SegmentLogOutputOptions } from './segment-log-output.ts'
export {
  parseTarget,
  targetKinds,
  type OpenTarget,
  type Target,
  type TargetContext,
  type TargetKind,
} from './targets.ts'
