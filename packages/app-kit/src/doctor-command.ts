import { describeDoctor, runDoctor, type Command, type HealthCheck } from '@sluice/runtime'
import { lakeChecks } from './checks.ts'
import type { CommonConfig } from './config.ts'
import type { AddCommand, CommandContext } from './context.ts'
import { AppError } from './errors.ts'
import type { LakeApp } from './lake-app.ts'

/** `doctor`: the checks of every lake app, and more of the app's own. */
export function addDoctorCommand<C extends CommonConfig, A extends LakeApp>(
  parent: Command,
  add: AddCommand<C, A>,
  more: (context: CommandContext<C, A>) => readonly HealthCheck[] = () => [],
): void {
  add(parent, 'doctor', 'check what the app stands on, and say what to do', async (context) => {
    const { app, signal, print } = context
    const report = await runDoctor([...more(context), ...lakeChecks(app)], { signal })
    print(describeDoctor(report))
    if (!report.ok) throw new AppError('DOCTOR_FAILED', 'something the app stands on does not hold')
  })
}
