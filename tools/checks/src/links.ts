import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import type { CheckResult } from './result.ts'
import { projectFiles } from './workspace.ts'

/** A link of a Markdown text: its target as written and the line it stands on (1-based). */
export interface MarkdownLink {
  readonly target: string
  readonly line: number
}

/** Links and images of a Markdown text, code blocks and code spans left out: `[text](target)`, `[name]: target`, `<a href>`, `<img src>`. */
export function markdownLinks(text: string): MarkdownLink[] {
  const links: MarkdownLink[] = []
  let fence: string | undefined
  text.split('\n').forEach((raw, i) => {
    const mark = /^\s*(```+|~~~+)/.exec(raw)?.[1]
    if (mark !== undefined) {
      if (fence === undefined) fence = mark
      else if (mark.startsWith(fence)) fence = undefined
      return
    }
    if (fence !== undefined) return
    const line = raw.replace(/`[^`]*`/g, '')
    const patterns = [
      /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g,
      /^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/g,
      /\b(?:href|src)="([^"]+)"/g,
    ]
    for (const pattern of patterns) {
      for (const match of line.matchAll(pattern)) links.push({ target: match[1]!, line: i + 1 })
    }
  })
  return links
}

/** The anchors GitHub gives the headings of a Markdown text. */
export function headingAnchors(text: string): Set<string> {
  const anchors = new Set<string>()
  const seen = new Map<string, number>()
  let fenced = false
  for (const line of text.split('\n')) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced
    const heading = fenced ? undefined : /^#{1,6}\s+(.+?)\s*#*\s*$/.exec(line)?.[1]
    if (heading === undefined) continue
    const base = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    const count = seen.get(base) ?? 0
    seen.set(base, count + 1)
    anchors.add(count === 0 ? base : `${base}-${count}`)
  }
  return anchors
}

/** Relative links in every Markdown file of the project lead to a file or folder, and to a heading when they name one. A document is one check. */
export async function checkLinks(root: string, files: readonly string[] = projectFiles(root)): Promise<CheckResult> {
  const documents = files.filter((file) => file.endsWith('.md'))
  const failures: string[] = []
  let passed = 0
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8')
    const broken = markdownLinks(text).flatMap(({ target, line }) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return []
      const [path = '', anchor] = target.split('#', 2)
      const file = path === '' ? document : normalize(join(dirname(document), decodeURIComponent(path)))
      if (file.startsWith('..') || path.startsWith('/'))
        return [`${document}:${line} ${target}: leads out of the repository`]
      if (!existsSync(join(root, file))) return [`${document}:${line} ${target}: no such file`]
      if (anchor && file.endsWith('.md') && !headingAnchors(readFileSync(join(root, file), 'utf8')).has(anchor)) {
        return [`${document}:${line} ${target}: no such heading`]
      }
      return []
    })
    if (broken.length === 0) passed++
    failures.push(...broken)
  }
  return { passed, failures }
}
