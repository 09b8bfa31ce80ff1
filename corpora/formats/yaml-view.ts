/**
 * A YAML document as its author wrote it: every scalar is its text, every node knows its line.
 *
 * Numbers, booleans and dates are not converted: a header value `0064` stays `0064`. Aliases are followed.
 */
import { createRequire } from 'node:module'
import type { Node } from 'yaml'
import { CaptureError } from '../../engine/errors.js'

const load = createRequire(import.meta.url)
/** Loaded with the first document. */
const yaml = (): typeof import('yaml') => load('yaml')

/** One node; null stands for what is missing, empty, `~` or `null`. */
export class YamlView {
  constructor(
    readonly file: string,
    private readonly node: unknown,
    private readonly follow: (node: unknown) => unknown,
    private readonly lineAt: (offset: number) => number,
  ) {}

  /** Counts from 1. */
  get line(): number {
    return this.lineAt((this.node as Node | null)?.range?.[0] ?? 0)
  }

  get isMap(): boolean {
    return yaml().isMap(this.node)
  }

  get isList(): boolean {
    return yaml().isSeq(this.node)
  }

  /** The text of a scalar. */
  get text(): string | null {
    if (!yaml().isScalar(this.node)) return null
    const { value, type } = this.node
    const text = value === null || value === undefined ? '' : String(value)
    const isNull = type === 'PLAIN' && (text === '' || text === '~' || /^null$/i.test(text))
    return isNull || (type === undefined && text === '') ? null : text
  }

  /** The value of a key of a map. */
  at(key: string): YamlView {
    return this.#view(yaml().isMap(this.node) ? this.node.get(key, true) : null)
  }

  textAt(key: string): string | null {
    return this.at(key).text
  }

  flagAt(key: string): boolean | null {
    const text = this.textAt(key)
    return text === null ? null : text.toLowerCase() === 'true'
  }

  has(key: string): boolean {
    return yaml().isMap(this.node) && this.node.has(key)
  }

  /** The items of a list; empty for anything else. */
  get items(): readonly YamlView[] {
    return yaml().isSeq(this.node) ? this.node.items.map((item) => this.#view(item)) : []
  }

  /** Keys and values of a map, in order; empty for anything else. */
  get pairs(): readonly (readonly [key: string, value: YamlView])[] {
    if (!yaml().isMap(this.node)) return []
    return this.node.items.map(({ key, value }) => [this.#view(key).text ?? '', this.#view(value)])
  }

  #view(node: unknown): YamlView {
    return new YamlView(this.file, this.follow(node), this.follow, this.lineAt)
  }
}

/** Throws CaptureError, with the line, where the text is no YAML. */
export function parseYaml(file: string, text: string): YamlView {
  const lines = new (yaml().LineCounter)()
  const document = yaml().parseDocument(text, { lineCounter: lines, schema: 'failsafe', uniqueKeys: true })
  const [problem] = document.errors
  if (problem !== undefined) {
    const what = (problem.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')
    throw new CaptureError(`not valid YAML: ${what}`, file, problem.linePos?.[0].line ?? 1)
  }
  const follow = (node: unknown): unknown => (yaml().isAlias(node) ? (node.resolve(document) ?? null) : node)
  return new YamlView(file, document.contents, follow, (offset) => lines.linePos(offset).line)
}
