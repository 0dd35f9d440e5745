import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { preProcessFile } from 'typescript'
import type { Manifest } from '../workspace.ts'

/** Paths in an npm tarball, without npm's leading `package/`. */
export function tarballFiles(tarball: string): string[] {
  return execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('/'))
    .map((line) => line.replace(/^package\//, ''))
    .sort()
}

/** What is wrong with the files of a tarball: what must be in it, what must not, and targets of `exports` that are missing. */
export function contentProblems(files: readonly string[], manifest: Manifest): string[] {
  const has = new Set(files)
  const problems = ['README.md', 'LICENSE', 'package.json']
    .filter((file) => !has.has(file))
    .map((file) => `the tarball has no ${file}`)
  for (const file of files) {
    if (/(^|\/)(tests?|__tests__|fixtures?|bench)\//.test(file) || /\.(test|spec|bench)\.[cm]?[jt]s/.test(file))
      problems.push(`the tarball holds the test file ${file}`)
    if (/\.tsbuildinfo$|(^|\/)(\.env|tsconfig[^/]*\.json|node_modules\/)/.test(file))
      problems.push(`the tarball holds ${file}`)
  }
  for (const [path, target] of Object.entries(manifest.exports ?? {})) {
    const targets = typeof target === 'string' ? [target] : Object.values(target)
    for (const file of targets) {
      if (!has.has(file.replace(/^\.\//, '')))
        problems.push(`exports["${path}"] leads to ${file}, which the tarball does not hold`)
    }
  }
  return problems
}

/** The npm package of an import specifier; undefined for relative paths, `#imports` and Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (/^[./#]/.test(specifier) || isBuiltin(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Imports in the built files of `folder` that the manifest does not bring: what installs for developers only, or not at all. */
export function undeclaredImports(folder: string, manifest: Manifest): string[] {
  const declared = new Set([manifest.name, ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })])
  return globSync('dist/**/*.{js,d.ts}', { cwd: folder })
    .sort()
    .flatMap((file) => {
      const { importedFiles, typeReferenceDirectives } = preProcessFile(
        readFileSync(join(folder, file), 'utf8'),
        true,
        true,
      )
      // `/// <reference types="node" />` names types that every user of Node's API has.
      const named = [
        ...importedFiles.map((i) => i.fileName),
        ...typeReferenceDirectives.map((t) => t.fileName).filter((name) => name !== 'node'),
      ]
      return [...new Set(named.map(packageOf))]
        .filter((name) => name !== undefined && !declared.has(name))
        .map((name) => `${file} imports ${name}, which is neither in dependencies nor in peerDependencies`)
    })
}
