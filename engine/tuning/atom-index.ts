/**
 * Which atoms a candidate covers, without asking each candidate about each atom: by rule and by the template of the
 * path, which tell nearly all of them apart.
 */
import type { ByteString } from '../model/exchange.js'
import type { Applied } from './candidates.js'
import type { Atom } from './case-book.js'
import type { PathTemplate } from './path-templates.js'

export class AtomIndex {
  #indexed = 0
  readonly #templates = new Map<ByteString, PathTemplate>()
  readonly #byRule = new Map<number, Atom[]>()
  /** By rule and operator of the path's own template. */
  readonly #byPlace = new Map<string, Atom[]>()
  /** Atoms on paths that stand for themselves, by rule and number of segments: a template of others may match them. */
  readonly #literal = new Map<string, Atom[]>()
  readonly #covered = new Map<string, readonly number[]>()

  /**
   * `atoms` may grow behind the index. `templateOf` is what candidates got their templates from; null: they have others.
   */
  constructor(
    private readonly atoms: readonly Atom[],
    private readonly templateOf: ((path: ByteString) => PathTemplate) | null,
  ) {}

  /** Indexes of the atoms that the candidate covers, ascending. */
  atomsOf(candidate: Applied): readonly number[] {
    this.#extend()
    let covered = this.#covered.get(candidate.key)
    if (covered === undefined) {
      covered = this.#possible(candidate)
        .filter((atom) => candidate.covers(atom))
        .map(({ index }) => index)
        .sort((a, b) => a - b)
      this.#covered.set(candidate.key, covered)
    }
    return covered
  }

  /** The candidates that cover an atom, for each atom that any does. */
  coverage<A extends Applied>(candidates: readonly A[]): ReadonlyMap<number, readonly A[]> {
    const covering = new Map<number, A[]>()
    for (const candidate of candidates) for (const atom of this.atomsOf(candidate)) push(covering, atom, candidate)
    return covering
  }

  #possible({ ruleIds, tags, scope: { template } }: Applied): readonly Atom[] {
    if (tags.length > 0) return this.atoms
    if (template === null || this.templateOf === null)
      return ruleIds.flatMap((ruleId) => this.#byRule.get(ruleId) ?? [])
    return ruleIds.flatMap((ruleId) => {
      const own = this.#byPlace.get(placeKey(ruleId, template.operator)) ?? []
      if (template.literal) return own
      return [...own, ...(this.#literal.get(placeKey(ruleId, String(segments(template.text)))) ?? [])]
    })
  }

  #extend(): void {
    if (this.#indexed === this.atoms.length) return
    this.#covered.clear()
    for (; this.#indexed < this.atoms.length; this.#indexed++) {
      const atom = this.atoms[this.#indexed] as Atom
      const { ruleId, path } = atom
      push(this.#byRule, ruleId, atom)
      if (this.templateOf === null) continue
      let template = this.#templates.get(path)
      if (template === undefined) {
        template = this.templateOf(path)
        this.#templates.set(path, template)
      }
      push(this.#byPlace, placeKey(ruleId, template.operator), atom)
      if (template.literal) push(this.#literal, placeKey(ruleId, String(segments(path))), atom)
    }
  }
}

function placeKey(ruleId: number, place: string): string {
  return `${ruleId} ${place}`
}

/** No segment of a template crosses a slash. */
function segments(path: string): number {
  return path.split('/').length
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
