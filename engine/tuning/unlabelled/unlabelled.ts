/**
 * Unlabelled requests that would be blocked, group by group: how likely they are false positives, and on what evidence.
 */
import { type ByteString, type EvaluatedRecord, originOf } from '../../model/exchange.js'
import type { CaseBook } from '../case-book.js'
import type { KeyFamily } from '../parameter-families.js'
import type { PathTemplate } from '../path-templates.js'
import { splitTarget } from '../place.js'
import type { Laboratory, Trial } from '../trial.js'
import type { ClientConduct } from './client-conduct.js'
import { GroupEvidence, type Likelihood, likelihoodOf } from './likelihood.js'

export interface UnlabelledGroup extends Likelihood {
  readonly ruleId: number
  readonly msg: ByteString
  readonly target: string
  readonly method: ByteString
  readonly path: string
  readonly requests: number
  readonly example: string
}

export interface UnlabelledInput {
  readonly laboratory: Laboratory
  /** The ruleset in detection only. */
  readonly base: Trial
  readonly book: CaseBook
  /** Ids of the unlabelled cases of the book. */
  readonly ids: ReadonlySet<string>
  readonly clients: ClientConduct
  /** Requests of the whole corpus by method and path. */
  readonly requests: ReadonlyMap<string, number>
  templateOf(path: ByteString): PathTemplate
  familyOf(variable: ByteString, name: ByteString): KeyFamily
}

interface Group {
  readonly ruleId: number
  readonly msg: ByteString
  readonly target: string
  readonly method: ByteString
  readonly template: PathTemplate
  readonly evidence: GroupEvidence
  readonly example: string
}

/** How requests are counted for `UnlabelledInput.requests`. */
export function requestKey(method: ByteString, path: ByteString): string {
  return `${method} ${path}`
}

export interface Judgement {
  /** Most requests first. */
  readonly groups: readonly UnlabelledGroup[]
  /** Records all of whose hits are likely false positives. */
  readonly likely: ReadonlySet<string>
}

export async function judgeUnlabelled(input: UnlabelledInput): Promise<Judgement> {
  const { laboratory, base, book, ids, clients, requests } = input
  const groups = new Map<string, Group>()
  const groupsOf = new Map<string, Set<string>>()
  if (ids.size === 0) return { groups: [], likely: new Set() }
  for await (const { record, verdict } of base.evaluate(laboratory.recordsWithIds(ids))) {
    const seen = new Set<string>()
    groupsOf.set(record.id, seen)
    for (const atom of book.caseOf(record.id)?.hits.flatMap((hit) => hit.atoms) ?? []) {
      const group = groupFor(atom, record, input, groups)
      if (group === null || seen.has(group.key)) continue
      seen.add(group.key)
      const value = verdict.matches.find(
        ({ ruleId, target }) => ruleId === group.group.ruleId && target === book.atoms[atom]?.target,
      )?.value
      group.group.evidence.add(originOf(record), value ?? '')
    }
  }
  const judged = new Map<string, UnlabelledGroup>()
  const counts = countByTemplate(requests, input)
  for (const [key, group] of groups) {
    const { evidence, template, method, ...rest } = group
    const of = counts.get(requestKey(method, template.operator)) ?? 0
    judged.set(key, {
      ...rest,
      method,
      path: template.text,
      requests: evidence.requests,
      ...likelihoodOf(evidence, clients, Math.max(of, evidence.requests)),
    })
  }
  const isLikely = (key: string): boolean => judged.get(key)?.verdict === 'likely-false-positive'
  const likely = new Set(
    [...groupsOf].filter(([, keys]) => keys.size > 0 && [...keys].every(isLikely)).map(([id]) => id),
  )
  const list = [...judged.values()].sort((a, b) => b.requests - a.requests || a.ruleId - b.ruleId)
  return { groups: list, likely }
}

/** Requests by method and template, each path taken to its template once. */
function countByTemplate(
  requests: ReadonlyMap<string, number>,
  { templateOf }: Pick<UnlabelledInput, 'templateOf'>,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [place, count] of requests) {
    const blank = place.indexOf(' ')
    const key = requestKey(place.slice(0, blank), templateOf(place.slice(blank + 1)).operator)
    counts.set(key, (counts.get(key) ?? 0) + count)
  }
  return counts
}

function groupFor(
  index: number,
  record: EvaluatedRecord,
  { book, templateOf, familyOf }: UnlabelledInput,
  groups: Map<string, Group>,
): { readonly key: string; readonly group: Group } | null {
  const atom = book.atoms[index]
  if (atom === undefined) return null
  const { variable, key: name } = splitTarget(atom.target)
  const target = name === null ? variable : `${variable}:${familyOf(variable, name).text}`
  const template = templateOf(atom.path)
  const key = JSON.stringify([atom.ruleId, target, atom.method, template.operator])
  let group = groups.get(key)
  if (group === undefined) {
    const { ruleId, msg, method } = atom
    group = { ruleId, msg, target, method, template, evidence: new GroupEvidence(), example: record.id }
    groups.set(key, group)
  }
  return { key, group }
}
