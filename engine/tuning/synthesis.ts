/**
 * From false positives to exclusions that are proven: choose, load the choice as a user would, replay the records it
 * touches, and choose again until nothing new appears.
 *
 * A record on which no rule that is excluded has hit, and whose body is read as before, evaluates as before, so only
 * the others are replayed; where a chain reads what its head found last, all records of the scope.
 */
import type { ByteString, EvaluatedRecord, TransactionRecord } from '../model/exchange.js'
import type { Rule, RuleLink } from '../model/ruleset.js'
import type { Verdict } from '../model/verdict.js'
import { AtomIndex } from './atom-index.js'
import { type Candidate, type CandidateInput, eligible, isAvailable, ladder } from './candidates.js'
import type { Atom, Case, CaseBook, ScoreLimits } from './case-book.js'
import { type Choice, chooseExclusions } from './choice.js'
import { type Outcome, outcomeOf } from './outcome.js'
import type { KeyFamily } from './parameter-families.js'
import type { PathTemplate } from './path-templates.js'
import { type Spot, splitTarget } from './place.js'
import type { AddedText, Laboratory, Trial } from './trial.js'

/** Gives out ids for the rules of candidates, the same from run to run. */
export type GiveIds = (candidates: readonly Candidate[]) => ReadonlyMap<string, readonly number[]>

export interface SynthesisInput {
  readonly laboratory: Laboratory
  /** The caller's ruleset in detection only: what the book was made with. */
  readonly base: Trial
  readonly book: CaseBook
  readonly limits: ScoreLimits
  templateOf(path: ByteString): PathTemplate
  familyOf(variable: ByteString, name: ByteString): KeyFamily
  filenameOf(record: EvaluatedRecord): ByteString
  /** Attacks that the candidate loses on top of what is lost without these rules at its place. */
  lossOf(candidate: Candidate, removed: ReadonlySet<number>): number
  readonly giveIds: GiveIds
}

export interface Synthesis {
  readonly chosen: readonly Candidate[]
  readonly ids: ReadonlyMap<string, readonly number[]>
  /** Candidates that turned out to change nothing on this platform. */
  readonly placebos: readonly Candidate[]
  /** Of the records that the exclusions touch. */
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** Cases that are not cleared, and why. */
  readonly left: readonly { readonly id: string; readonly reason: string }[]
  readonly rounds: number
  spotOf(atom: Atom): Spot
  rungsOf(spot: Spot): ReturnType<typeof ladder>
  readonly index: AtomIndex
}

/** LIMIT: rounds of choice and proof; each bans or adds something, so that few are needed. */
const mostRounds = 8
/** LIMIT: replays that try which exclusions may be left out. */
const mostTries = 6

export async function synthesise(input: SynthesisInput): Promise<Synthesis> {
  return new Synthesiser(input).run()
}

class Synthesiser {
  readonly #banned = new Set<string>()
  readonly #placebos = new Map<string, Candidate>()
  readonly #ladders = new Map<string, ReturnType<typeof ladder>>()
  readonly #candidates: CandidateInput
  readonly #index: AtomIndex
  readonly #rules: ReadonlyMap<number, Rule>
  /** What was chosen when `#outcomes` were last brought up to date. */
  #proven: readonly Candidate[] = []
  /** Keys of exclusions that change how bodies are read, once the book knows what is hit then. */
  readonly #read = new Set<string>()
  readonly #outcomes = new Map<string, Outcome>()

  constructor(private readonly input: SynthesisInput) {
    const { base } = input
    this.#index = new AtomIndex(input.book.atoms, input.templateOf)
    this.#candidates = { ruleset: base.ruleset, settings: base.settings }
    this.#rules = new Map(base.ruleset.rules.map((rule) => [rule.id, rule]))
  }

  async run(): Promise<Synthesis> {
    for (let round = 1; ; round++) {
      const choice = await this.#choice()
      const ids = this.input.giveIds(choice.chosen)
      await this.#prove(choice, ids)
      const isSettled = await this.#learn(choice, ids)
      if (isSettled) return this.#result(await this.#slimmed(choice, ids), ids, round)
      if (round === mostRounds) return this.#result(choice, ids, round)
    }
  }

  /** A choice that knows what is hit in the bodies it makes the engine read otherwise. */
  async #choice(): Promise<Choice> {
    for (;;) {
      const choice = this.#choose()
      const fresh = choice.chosen.filter(({ processor, key }) => processor !== null && !this.#read.has(key))
      if (fresh.length === 0) return choice
      await this.#readBodies(fresh)
    }
  }

  /** What the requests hit with these exclusions alone. One that reads as a form what leads to hits is no help. */
  async #readBodies(readings: readonly Candidate[]): Promise<void> {
    const { laboratory, book, filenameOf } = this.input
    const trial = await laboratory.load(textsOf(readings, this.input.giveIds(readings)), 'detection-only')
    const holds = ({ scope }: Candidate, path: ByteString): boolean => scope.template?.matches(path) === true
    const wanted = (record: TransactionRecord): boolean =>
      record.label === 'benign' && readings.some((reading) => holds(reading, filenameOf(record)))
    const reread: { readonly record: TransactionRecord; readonly verdict: Verdict; readonly reading: Candidate }[] = []
    for await (const { record, verdict } of trial.evaluate(laboratory.records(wanted))) {
      const reading = readings.find((each) => holds(each, filenameOf(record)))
      if (reading === undefined) continue
      if (reading.processor === 'URLENCODED' && book.hitsIn(record, verdict).length > 0) this.#banned.add(reading.key)
      reread.push({ record, verdict, reading })
    }
    for (const reading of readings) this.#read.add(reading.key)
    for (const { record, verdict, reading } of reread)
      if (!this.#banned.has(reading.key))
        book.reread(record, verdict, ({ atoms }) => atoms.every((atom) => reading.covers(book.atoms[atom] as Atom)))
  }

  #choose(): Choice {
    const { book, limits } = this.input
    return chooseExclusions({
      atoms: book.atoms,
      index: this.#index,
      cases: book.cases(),
      limits,
      candidatesFor: (atom) => this.#preferred(atom),
      lossOf: this.input.lossOf,
    })
  }

  #spotOf(atom: Atom): Spot {
    const { variable, key } = splitTarget(atom.target)
    const template = this.input.templateOf(atom.path)
    return {
      ruleId: atom.ruleId,
      link: atom.link,
      variable,
      family: key === null ? null : this.input.familyOf(variable, key),
      template,
      compared: this.input.book.comparedBy(atom.ruleId, (path) => template.matches(path)),
    }
  }

  #ladderOf(spot: Spot): ReturnType<typeof ladder> {
    const key = JSON.stringify([spot.ruleId, spot.link, spot.variable, spot.family?.text ?? null, spot.template.text])
    let rungs = this.#ladders.get(key)
    if (rungs === undefined) {
      rungs = ladder(spot, this.#candidates)
      this.#ladders.set(key, rungs)
    }
    return rungs
  }

  /** Candidates for the atom that may be chosen without being asked for, the best first. */
  #preferred(atom: Atom): readonly Candidate[] {
    const rungs = this.#ladderOf(this.#spotOf(atom)).filter(isAvailable)
    const setting = this.#settingFor(atom)
    const all = setting === null ? rungs : [...rungs.filter(({ kind }) => kind !== 'setting'), setting]
    return eligible(all).filter((candidate) => !this.#banned.has(candidate.key) && candidate.covers(atom))
  }

  /** A setting has one value for all places. */
  #settingFor(atom: Atom): Candidate | null {
    const spot = this.#spotOf(atom)
    const everywhere: Spot = { ...spot, compared: this.input.book.comparedBy(atom.ruleId, () => true) }
    const key = `setting ${atom.ruleId}`
    let rungs = this.#ladders.get(key)
    if (rungs === undefined) {
      rungs = ladder(everywhere, this.#candidates)
      this.#ladders.set(key, rungs)
    }
    return rungs.filter(isAvailable).find(({ kind }) => kind === 'setting') ?? null
  }

  /**
   * Replays the records that the exclusions touch, in the caller's own mode: those that the choice before did not touch
   * alike. What is chosen again does again what it did.
   */
  async #prove({ chosen }: Choice, ids: ReadonlyMap<string, readonly number[]>): Promise<void> {
    const keys = new Set(chosen.map(({ key }) => key))
    const known = new Set(this.#proven.map(({ key }) => key))
    const changed = [
      ...chosen.filter(({ key }) => !known.has(key)),
      ...this.#proven.filter(({ key }) => !keys.has(key)),
    ]
    this.#proven = chosen
    if (changed.length === 0) return
    const { laboratory, book } = this.input
    const trial = await laboratory.load(textsOf(chosen, ids), 'as-given')
    for await (const { record, verdict } of trial.evaluate(this.#touched(changed)))
      this.#outcomes.set(record.id, outcomeOf(book, record, verdict))
  }

  /** Records on which an exclusion may change something. */
  #touched(changed: readonly Candidate[]): AsyncIterable<TransactionRecord> {
    const { base, book, filenameOf, laboratory } = this.input
    if (base.ruleset.persistent) return laboratory.records(() => true)
    const covered = this.#index.coverage(changed)
    const ids = new Set(
      [...book.cases(), ...book.setAsideCases()]
        .filter(({ hits }) => hits.some((hit) => hit.atoms.some((atom) => covered.has(atom))))
        .map(({ id }) => id),
    )
    const wide = changed.filter((candidate) => candidate.processor !== null || this.#shifts(candidate))
    if (wide.length === 0) return laboratory.recordsWithIds(ids)
    const placed = wide.filter(({ scope }) => scope.template !== null)
    const fragments = wide.filter(({ scope }) => scope.template === null).map(({ targets }) => nameFragments(targets))
    return laboratory.records(
      (record) =>
        ids.has(record.id) ||
        (record.label === 'benign' &&
          (placed.some(({ scope }) => scope.template?.matches(filenameOf(record)) === true) ||
            mayName(record, fragments))),
    )
  }

  /**
   * Whether requests may be hit without these targets that were not with them: where a link reads what the head found
   * last, the head now finds something else last.
   */
  #shifts({ targets, ruleIds }: Candidate): boolean {
    if (targets.length === 0) return false
    return ruleIds.some((id) => this.#rules.get(id)?.links.some((link, n) => n > 0 && readsLastFound(link)))
  }

  /** Takes in what the proof showed that the arithmetic did not; true where there was nothing. */
  async #learn({ chosen }: Choice, ids: ReadonlyMap<string, readonly number[]>): Promise<boolean> {
    const { laboratory, book, limits } = this.input
    const outcomes = this.#outcomes
    const idle = this.#banIdle(chosen)
    const covered = this.#index.coverage(chosen)
    const expected = expectedCleared(book, covered, limits)
    const failed = new Set(
      [...outcomes.values()]
        .filter(
          ({ id, before, ...outcome }) =>
            isOver(outcome, limits) &&
            before?.aside !== true &&
            (expected.has(id) || before === null || (!before.blocked && before.unclearable === null)),
        )
        .map(({ id }) => id),
    )
    if (failed.size === 0) return !idle
    const trial = await laboratory.load(textsOf(chosen, ids), 'detection-only')
    let learned = idle
    for await (const { record, verdict } of trial.evaluate(laboratory.recordsWithIds(failed))) {
      const known = book.caseOf(record.id)?.hits.length ?? 0
      const persisting = book.extend(record, verdict).filter((hit) => hit.atoms.every((atom) => covered.has(atom)))
      const isNew = (book.caseOf(record.id)?.hits.length ?? 0) > known
      const path = this.input.filenameOf(record)
      const culprits =
        persisting.length > 0
          ? chosen.filter((candidate) =>
              persisting.some((hit) => hit.atoms.some((atom) => candidate.covers(book.atoms[atom] as Atom))),
            )
          : // What leads to something that nothing may exclude is no help.
            chosen.filter(
              ({ processor, scope }) => processor !== null && !isNew && scope.template?.matches(path) === true,
            )
      for (const candidate of culprits) {
        this.#banned.add(candidate.key)
        if (persisting.length > 0) this.#placebos.set(candidate.key, candidate)
      }
      learned = true
      if (culprits.length === 0 && !isNew)
        book.giveUp(
          record.id,
          `blocked by ${verdict.blockedBy?.ruleId ?? verdict.blockedBy?.kind ?? 'the engine'} even so`,
        )
    }
    return !learned
  }

  /** Exclusions after which every hit is still there are placebos. */
  #banIdle(chosen: readonly Candidate[]): boolean {
    const covering = this.#index.coverage(chosen)
    const useful = new Set<string>()
    for (const { goneHits } of this.#outcomes.values())
      for (const atom of goneHits.flatMap(({ atoms }) => atoms))
        for (const { key } of covering.get(atom) ?? []) useful.add(key)
    const idle = chosen.filter(({ key }) => !useful.has(key))
    for (const candidate of idle) {
      this.#banned.add(candidate.key)
      this.#placebos.set(candidate.key, candidate)
    }
    return idle.length > 0
  }

  /**
   * Takes back what only hits with several sources want, where replay shows that they are gone without it: which source
   * such a hit came from is a guess.
   */
  async #slimmed(choice: Choice, ids: ReadonlyMap<string, readonly number[]>): Promise<Choice> {
    let { chosen } = choice
    for (const batch of this.#apart(this.#doubtful(chosen)).slice(0, mostTries)) {
      const rest = chosen.filter((candidate) => !batch.has(candidate))
      const needed = await this.#neededOf(batch, rest, ids)
      chosen = chosen.filter((candidate) => !batch.has(candidate) || needed.has(candidate))
    }
    if (chosen.length === choice.chosen.length) return choice
    const slim = { ...choice, chosen }
    await this.#prove(slim, ids)
    return slim
  }

  /** Those of which every hit that nothing else covers has other sources too. */
  #doubtful(chosen: readonly Candidate[]): readonly Candidate[] {
    const covering = this.#index.coverage(chosen)
    const certain = new Set<Candidate>()
    for (const { hits } of this.input.book.cases())
      for (const { atoms } of hits) {
        const [candidate, ...others] = atoms.length === 1 ? (covering.get(atoms[0] ?? 0) ?? []) : []
        if (candidate !== undefined && others.length === 0) certain.add(candidate)
      }
    return chosen.filter((candidate) => !certain.has(candidate))
  }

  /** In batches that can be tried together: no record is touched by two of a batch. The ids of those records with each. */
  #apart(candidates: readonly Candidate[]): readonly ReadonlyMap<Candidate, ReadonlySet<string>>[] {
    const { base, book } = this.input
    const records = new Map<Candidate, Set<string>>(candidates.map((candidate) => [candidate, new Set()]))
    const covering = this.#index.coverage(candidates)
    for (const { id, hits } of [...book.cases(), ...book.setAsideCases()])
      for (const atom of hits.flatMap(({ atoms }) => atoms))
        for (const candidate of covering.get(atom) ?? []) records.get(candidate)?.add(id)
    const batches: { readonly touched: Set<string>; readonly of: Map<Candidate, ReadonlySet<string>> }[] = []
    for (const [candidate, ids] of records) {
      // What touches records without a hit too is kept.
      if (base.ruleset.persistent || candidate.processor !== null) continue
      let batch = batches.find(({ touched }) => [...ids].every((id) => !touched.has(id)))
      if (batch === undefined) {
        batch = { touched: new Set(), of: new Map() }
        batches.push(batch)
      }
      batch.of.set(candidate, ids)
      for (const id of ids) batch.touched.add(id)
    }
    return batches.map(({ of }) => of)
  }

  /** Those of the batch without which a record is no longer cleared. */
  async #neededOf(
    batch: ReadonlyMap<Candidate, ReadonlySet<string>>,
    rest: readonly Candidate[],
    ids: ReadonlyMap<string, readonly number[]>,
  ): Promise<ReadonlySet<Candidate>> {
    const { laboratory, book, limits } = this.input
    const trial = await laboratory.load(textsOf(rest, ids), 'as-given')
    const failed = new Set<string>()
    const touched = new Set([...batch.values()].flatMap((records) => [...records]))
    for await (const { record, verdict } of trial.evaluate(laboratory.recordsWithIds(touched))) {
      const known = this.#outcomes.get(record.id)
      const wasCleared = known !== undefined && !isOver(known, limits)
      if (wasCleared && isOver(outcomeOf(book, record, verdict), limits)) failed.add(record.id)
    }
    return new Set([...batch].filter(([, records]) => [...records].some((id) => failed.has(id))).map(([each]) => each))
  }

  #result(choice: Choice, ids: ReadonlyMap<string, readonly number[]>, rounds: number): Synthesis {
    const { book, limits } = this.input
    const outcomes = this.#outcomes
    const left = choice.left
      .filter(({ id }) => {
        const outcome = outcomes.get(id)
        return outcome === undefined || isOver(outcome, limits)
      })
      .map(({ id, unclearable }) => ({
        id,
        reason: book.caseOf(id)?.unclearable ?? unclearable ?? 'no exclusion that this platform honours covers it',
      }))
    return {
      chosen: choice.chosen,
      ids,
      placebos: [...this.#placebos.values()],
      outcomes,
      left,
      rounds,
      spotOf: (atom) => this.#spotOf(atom),
      rungsOf: (spot) => this.#ladderOf(spot),
      index: this.#index,
    }
  }
}

function isOver(
  { blocked, score, outboundScore }: Pick<Outcome, 'blocked' | 'score' | 'outboundScore'>,
  { inbound, outbound }: ScoreLimits,
): boolean {
  return blocked || score > inbound || outboundScore > outbound
}

/** MATCHED_VAR and what a capture or a `setvar` left in TX; MATCHED_VARS hold all that was found. */
function readsLastFound({ targets, operatorText }: RuleLink): boolean {
  return (
    targets.some(({ variable }) => ['MATCHED_VAR', 'MATCHED_VAR_NAME', 'TX'].includes(variable.name)) ||
    /%\{(?:tx\.|matched_var)/i.test(operatorText)
  )
}

/**
 * Of each target the longest piece of its name that a client writes as it is; null where there is none. Engines add
 * `json` and `array_` to the names of JSON members.
 */
function nameFragments(targets: readonly ByteString[]): readonly (string | null)[] {
  return targets.map((target) => {
    const { key } = splitTarget(target)
    const words = (key ?? '').replace(/\\x[0-9a-f]{2}|\[[^\]]*\][+*?]?|\\./gi, ' ').match(/[A-Za-z0-9_-]+/g) ?? []
    const written = words.filter((word) => !/^(?:json|array_?\d*)$/i.test(word)).sort((a, b) => b.length - a.length)
    const [longest = ''] = written
    return longest.length < 3 ? null : longest.toLowerCase()
  })
}

/** Whether the record may hold a name with one of the pieces: whether its text does. */
function mayName({ request }: TransactionRecord, fragments: readonly (readonly (string | null)[])[]): boolean {
  if (fragments.length === 0) return false
  const text = `${request.uri} ${request.headers.map(([name, value]) => `${name} ${value}`).join(' ')} ${request.body}`
  const lower = text.toLowerCase()
  return fragments.some((some) => some.some((fragment) => fragment === null || lower.includes(fragment)))
}

/** Ids of the cases that the candidates should clear. */
function expectedCleared(
  book: CaseBook,
  covered: ReadonlyMap<number, unknown>,
  limits: ScoreLimits,
): ReadonlySet<string> {
  const rest = (each: Case, outbound: boolean): number =>
    each.hits.reduce(
      (sum, hit) =>
        hit.counts && hit.outbound === outbound && !hit.atoms.every((atom) => covered.has(atom))
          ? sum + hit.points
          : sum,
      outbound ? each.fixed.outbound : each.fixed.inbound,
    )
  return new Set(
    book
      .cases()
      .filter(
        (each) =>
          each.unclearable === null &&
          rest(each, false) <= limits.inbound &&
          rest(each, true) <= limits.outbound &&
          each.hits.every((hit) => hit.points > 0 || hit.atoms.every((atom) => covered.has(atom))),
      )
      .map(({ id }) => id),
  )
}

/** The texts to load for the candidates, in a stable order. */
export function textsOf(
  candidates: readonly Candidate[],
  ids: ReadonlyMap<string, readonly number[]>,
): readonly AddedText[] {
  return candidates.flatMap((candidate) =>
    candidate.placement === 'location'
      ? []
      : [{ placement: candidate.placement, text: `${candidate.directive(ids.get(candidate.key) ?? [])}\n` }],
  )
}
