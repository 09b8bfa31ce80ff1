/**
 * A pattern tree compiled to instructions for the backtracking matcher.
 *
 * Every instruction is a code and its numbers in one array. Registers hold group borders (two a group, group 0
 * first), then what loops, atomic groups and assertions remember.
 */
import { type ByteSet, emptySet } from './byte-set.js'
import { firstBytes, type LookNode, lengthOf, type PatternNode, type PatternTree, type Position } from './tree.js'

/** Instruction codes with their numbers. */
export const op = {
  /** The whole pattern has matched. */
  match: 0,
  /** set: one byte of it. */
  set: 1,
  /** set, min, max, mode: a repeated byte. Modes: 0 greedy, 1 lazy, 2 possessive. */
  run: 2,
  /** other: go on, and at `other` if that fails. */
  split: 3,
  /** target. */
  jump: 4,
  /** register: the position goes into it. */
  save: 5,
  /** counter, mark: before the loop. */
  loopIn: 6,
  /** counter, mark, min, max, lazy, exit; the body's `loopBody` stands behind it. */
  loop: 7,
  /** counter, mark: an iteration begins. */
  loopBody: 8,
  /** register: remember how much there is to give back. */
  atomicIn: 9,
  /** register: nothing since then is given back. */
  atomicOut: 10,
  /** height, position, otherwise: an assertion begins; `otherwise` runs when it does not hold (-1: fail). */
  lookIn: 11,
  /** height, position: it holds; back to where it began. */
  lookOut: 12,
  /** height: it holds and must not. */
  lookFail: 13,
  /** bytes: go back so many. */
  back: 14,
  /** first group in `groupLists`, caseless. */
  reference: 15,
  /** position code. */
  position: 16,
  /** groups, otherwise. */
  ifGroup: 17,
  /** set or -1: counts one against PCRE's match limit; with a set only before a byte of it, and fails elsewhere. */
  pass: 18,
  /** register, group: the group took what stands between the register's position and here. */
  groupOut: 19,
  /** There is no way on from here. */
  fail: 20,
} as const

/** By code: numbers of an instruction, its code among them. */
const widths = [1, 2, 5, 2, 2, 2, 3, 7, 3, 2, 2, 4, 3, 2, 2, 3, 2, 3, 2, 3, 1]

export function widthOf(code: number): number {
  return widths[code] as number
}

/** Codes of `op.position`. */
export const positionCodes = {
  start: 0,
  end: 1,
  'end-or-last-newline': 2,
  'line-start': 3,
  'line-end': 4,
  'word-border': 5,
  'no-word-border': 6,
  'search-start': 7,
} as const satisfies Readonly<Record<Position, number>>

export interface Program {
  readonly code: Int32Array
  readonly sets: readonly ByteSet[]
  readonly groupLists: readonly (readonly number[])[]
  /** Where the `loop` instructions are of which an iteration may take nothing. */
  readonly hollowLoops: ReadonlySet<number>
  readonly registers: number
  readonly groups: number
  /** Bytes a match can begin with; null: it may be empty. */
  readonly first: ByteSet | null
  /** Whether it can only match at the start of the value. */
  readonly anchored: boolean
}

/** One byte, or a letter in both cases: what PCRE keeps as a character and not as a class. */
export function isLiteral(set: ByteSet): boolean {
  const members = [...set.keys()].filter((code) => set[code] === 1)
  const [one = 0, other = one] = members
  return members.length === 1 || (members.length === 2 && (one ^ other) === 0x20 && other >= 0x61 && other <= 0x7a)
}

const modes = { greedy: 0, lazy: 1, possessive: 2 } as const

/** Stands for "no upper bound" in an instruction. */
export const unlimited = 0x7fffffff

/** Compiles the tree. `countPasses` adds what the model of PCRE's match limit counts. */
export function compileProgram(tree: PatternTree, countPasses = false): Program {
  const compiler = new Compiler(tree.groups, countPasses)
  compiler.emitWhole(tree.root)
  const mayBeEmpty = lengthOf(tree.root).min === 0
  return {
    code: Int32Array.from(compiler.code),
    sets: compiler.sets,
    groupLists: compiler.groupLists,
    hollowLoops: compiler.hollowLoops,
    registers: compiler.registers,
    groups: tree.groups,
    first: mayBeEmpty ? null : firstBytes(tree.root, emptySet()),
    anchored: isAnchored(tree.root) || startsWithAnything(tree.root),
  }
}

function isAnchored(node: PatternNode): boolean {
  if (node.kind === 'position') return node.at === 'start' || node.at === 'search-start'
  if (node.kind === 'group' || node.kind === 'atomic') return isAnchored(node.body)
  if (node.kind === 'choice') return node.branches.every(isAnchored)
  return node.kind === 'sequence' && node.items[0] !== undefined && isAnchored(node.items[0])
}

/** What begins with `.*` and matches later on also matches from the start. */
function startsWithAnything(root: PatternNode): boolean {
  const head = root.kind === 'sequence' ? root.items[0] : root
  if (head?.kind !== 'repeat' || head.body.kind !== 'set' || head.mode !== 'greedy') return false
  return head.min === 0 && head.max === Number.POSITIVE_INFINITY && head.body.set.every((member) => member === 1)
}

class Compiler {
  readonly code: number[] = []
  readonly sets: ByteSet[] = []
  readonly groupLists: (readonly number[])[] = []
  readonly hollowLoops = new Set<number>()
  registers: number

  constructor(
    groups: number,
    private readonly countPasses: boolean,
  ) {
    this.registers = 2 * (groups + 1)
  }

  emitWhole(root: PatternNode): void {
    this.#emit(root)
    this.code.push(op.match)
  }

  /** `next`: what follows directly in the same sequence. */
  #emit(node: PatternNode, next?: PatternNode): void {
    const { code } = this
    switch (node.kind) {
      case 'set':
        code.push(op.set, this.#set(node.set))
        return
      case 'sequence':
        node.items.forEach((item, n) => {
          this.#emit(item, node.items[n + 1])
        })
        return
      case 'choice':
        this.#choice(node.branches)
        return
      case 'group':
        this.#group(node.index, node.body)
        return
      case 'atomic':
        this.#atomic(() => this.#emit(node.body))
        return
      case 'repeat':
        this.#repeat(node, next)
        return
      case 'look':
        this.#look(node)
        return
      case 'reference':
        code.push(op.reference, this.#groupList(node.groups), node.caseless ? 1 : 0)
        return
      case 'position':
        code.push(op.position, positionCodes[node.at])
        return
      case 'condition':
        this.#condition(node)
        return
      case 'keep':
        code.push(op.save, 0)
    }
  }

  #set(set: ByteSet): number {
    return this.sets.push(set) - 1
  }

  #groupList(groups: readonly number[]): number {
    return this.groupLists.push(groups) - 1
  }

  /** Room for a target that is not known yet. */
  #hole(): number {
    return this.code.push(-1) - 1
  }

  #fill(hole: number): void {
    this.code[hole] = this.code.length
  }

  /** A run that gives back goes straight to where the literal behind it stands; only there it counts. */
  #pass(run?: ByteSet, next?: PatternNode): void {
    if (!this.countPasses) return
    const literal = next?.kind === 'set' && isLiteral(next.set) ? next.set : null
    const jumps = literal !== null && run !== undefined && !isLiteral(run) && !run.every((member) => member === 1)
    this.code.push(op.pass, jumps ? this.#set(literal) : -1)
  }

  /** The borders change together at the end: a reference inside the group sees the iteration before. */
  #group(index: number, body: PatternNode): void {
    const begin = this.registers++
    this.code.push(op.save, begin)
    this.#emit(body)
    this.code.push(op.groupOut, begin, index)
  }

  #choice(branches: readonly PatternNode[]): void {
    const ends: number[] = []
    branches.forEach((branch, n) => {
      if (n === branches.length - 1) {
        this.#emit(branch)
        return
      }
      this.code.push(op.split)
      const next = this.#hole()
      this.#emit(branch)
      this.code.push(op.jump)
      ends.push(this.#hole())
      this.#fill(next)
    })
    for (const end of ends) this.#fill(end)
  }

  #atomic(emitBody: () => void): void {
    const register = this.registers++
    this.code.push(op.atomicIn, register)
    emitBody()
    this.code.push(op.atomicOut, register)
  }

  #repeat(node: Extract<PatternNode, { kind: 'repeat' }>, next: PatternNode | undefined): void {
    const { body, min, max, mode } = node
    if (max === 0) return
    if (body.kind === 'set') {
      const upper = max === Number.POSITIVE_INFINITY ? unlimited : max
      this.code.push(op.run, this.#set(body.set), min, upper, modes[mode])
      if (mode === 'greedy' && max > 1 && max > min) this.#pass(body.set, next)
      else this.#pass()
    } else if (mode === 'possessive') this.#atomic(() => this.#loop(node))
    else this.#loop(node)
  }

  #loop({ body, min, max, mode }: Extract<PatternNode, { kind: 'repeat' }>): void {
    const { code } = this
    const counter = this.registers++
    const mark = this.registers++
    code.push(op.loopIn, counter, mark)
    const start = code.length
    if (lengthOf(body).min === 0) this.hollowLoops.add(start)
    code.push(op.loop, counter, mark, min, max === Number.POSITIVE_INFINITY ? unlimited : max, mode === 'lazy' ? 1 : 0)
    const exit = this.#hole()
    code.push(op.loopBody, counter, mark)
    this.#emit(body)
    code.push(op.jump, start)
    this.#fill(exit)
    this.#pass()
  }

  #look(node: LookNode): void {
    const height = this.registers++
    const position = this.registers++
    this.code.push(op.lookIn, height, position)
    const otherwise = this.#hole()
    this.#lookBody(node)
    if (node.negated) {
      this.code.push(op.lookFail, height)
      this.#fill(otherwise)
    } else this.code.push(op.lookOut, height, position)
  }

  #lookBody({ behind, body }: LookNode): void {
    if (!behind) {
      this.#emit(body)
      return
    }
    const branches = body.kind === 'choice' ? body.branches : [body]
    const lengths = branches.map((branch) => lengthOf(branch).min)
    const ends: number[] = []
    branches.forEach((branch, n) => {
      const last = n === branches.length - 1
      let next = -1
      if (!last) {
        this.code.push(op.split)
        next = this.#hole()
      }
      this.code.push(op.back, lengths[n] ?? 0)
      this.#emit(branch)
      if (last) return
      this.code.push(op.jump)
      ends.push(this.#hole())
      this.#fill(next)
    })
    for (const end of ends) this.#fill(end)
  }

  #condition({ test, yes, no }: Extract<PatternNode, { kind: 'condition' }>): void {
    const { code } = this
    if (!('kind' in test)) {
      code.push(op.ifGroup, this.#groupList(test))
      this.#branches(this.#hole(), yes, no)
      return
    }
    const height = this.registers++
    const position = this.registers++
    code.push(op.lookIn, height, position)
    const otherwise = this.#hole()
    this.#lookBody(test)
    code.push(op.lookOut, height, position)
    this.#branches(otherwise, test.negated ? no : yes, test.negated ? yes : no)
  }

  #branches(otherwise: number, here: PatternNode, there: PatternNode): void {
    this.#emit(here)
    this.code.push(op.jump)
    const end = this.#hole()
    this.#fill(otherwise)
    this.#emit(there)
    this.#fill(end)
  }
}
