import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import type { CheckResult } from './result.ts'
import { projectFiles, publishablePackages, repoRoot } from './workspace.ts'

/** One TypeScript block of a Markdown document. */
export interface Snippet {
  readonly document: string
  /** Line of the document that holds the block's first line of code (1-based). */
  readonly line: number
  readonly code: string
  /** False for blocks marked `no-run`: they are type-checked only. */
  readonly run: boolean
}

const runMs = 120_000

/** The fenced blocks of a document whose language is `ts` or `typescript`; indented fences (in lists) count too. */
export function extractSnippets(document: string, text: string): Snippet[] {
  const snippets: Snippet[] = []
  let open: { fence: string; indent: number; info: string; line: number; code: string[] } | undefined
  text.split('\n').forEach((line, i) => {
    const mark = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line)
    if (open === undefined) {
      if (mark !== null) open = { fence: mark[2]!, indent: mark[1]!.length, info: mark[3]!, line: i + 2, code: [] }
      return
    }
    if (mark !== null && mark[2]!.startsWith(open.fence) && mark[3] === '') {
      const [language, ...marks] = open.info.split(/\s+/)
      if (language === 'ts' || language === 'typescript')
        snippets.push({ document, line: open.line, code: open.code.join('\n'), run: !marks.includes('no-run') })
      open = undefined
      return
    }
    open.code.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)))
  })
  return snippets
}

/** Documents whose blocks are held to be true: READMEs of the root, of packages and apps, everything in `docs/`. */
const isDocument = (file: string) =>
  /^(README\.md|CONTRIBUTING\.md|(packages|apps|tools)\/[^/]+\/README\.md|bench\/README\.md|docs\/.*\.md)$/.test(file)

/**
 * Type-checks every TypeScript block of the documents and runs those not marked `no-run`, each as a module of its own against the sources
 * of the workspace, in an empty working folder. A block is one check. Every published package's README must hold a block that runs.
 */
export async function checkSnippets(root: string, files: readonly string[] = projectFiles(root)): Promise<CheckResult> {
  const documents = files.filter(isDocument)
  const snippets = documents.flatMap((document) =>
    extractSnippets(document, readFileSync(join(root, document), 'utf8')),
  )
  const failures: string[] = publishablePackages(root)
    .map(({ folder }) => `${folder}/README.md`)
    .filter((readme) => !snippets.some((snippet) => snippet.document === readme && snippet.run))
    .map((readme) => `${readme}: has no \`\`\`ts block that runs`)
  if (snippets.length === 0) return { passed: 0, failures }

  // Inside the workspace, so that imports resolve as for its own files; not in node_modules, where Node runs no TypeScript.
  const folder = join(root, 'test-results/snippets')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const modules = snippets.map((snippet, i) => {
    const name = `s${i}-${snippet.document.replace(/[^A-Za-z0-9]+/g, '-')}-${snippet.line}.ts`
    // Empty lines above the code make line numbers of the module those of the document.
    writeFileSync(join(folder, name), `${'\n'.repeat(snippet.line - 1)}${snippet.code}\nexport {}\n`)
    return { snippet, name }
  })
  try {
    const wrong = await typeErrors(root, folder, modules)
    const bad = new Set(wrong.map((error) => error.name))
    failures.push(...wrong.map((error) => error.text))
    const queue = modules.filter((module) => module.snippet.run && !bad.has(module.name))
    const worker = async () => {
      for (let module = queue.shift(); module !== undefined; module = queue.shift()) {
        const failure = await runSnippet(folder, module)
        if (failure === undefined) continue
        bad.add(module.name)
        failures.push(failure)
      }
    }
    await Promise.all([worker(), worker()])
    return { passed: modules.length - bad.size, failures }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface SnippetModule {
  readonly snippet: Snippet
  readonly name: string
}

async function typeErrors(
  root: string,
  folder: string,
  modules: readonly SnippetModule[],
): Promise<{ name: string; text: string }[]> {
  const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions, include: ['*.ts'] }),
  )
  const end = await runCommand(join(repoRoot, 'node_modules/.bin/tsc'), ['-p', folder, '--pretty', 'false'], {
    cwd: root,
  })
  if (end.code === 0) return []
  const found = end.output.split('\n').flatMap((line) => {
    const at = /^(?:.*\/)?(s\d+-[^/(]+\.ts)\((\d+),(\d+)\): (.*)$/.exec(line)
    const module = at && modules.find((m) => m.name === at[1])
    return at && module ? [{ name: module.name, text: `${module.snippet.document}:${at[2]}:${at[3]} ${at[4]}` }] : []
  })
  // Errors elsewhere are the type check's; that the compiler fails without naming any block is not to be passed over.
  return found.length > 0 || /error TS/.test(end.output)
    ? found
    : [{ name: modules[0]!.name, text: `tsc did not run: ${end.output.trim()}` }]
}

async function runSnippet(folder: string, { snippet, name }: SnippetModule): Promise<string | undefined> {
  const cwd = mkdtempSync(join(tmpdir(), 'sluice-snippet-'))
  try {
    const args = ['--conditions=sluice-source', join(folder, name)]
    const end = await runCommand(process.execPath, args, {
      cwd,
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
      timeoutMs: runMs,
    })
    if (end.code === 0) return undefined
    const how = end.code === null ? `was ended after ${runMs / 1000} s` : `ended with code ${end.code}`
    const said = end.output.replaceAll(join(folder, name), snippet.document).replaceAll('file://', '').trim()
    return `${snippet.document}:${snippet.line} ${how}\n${said.split('\n').slice(0, 15).join('\n')}`
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}
