/**
 * What a matcher that counts passes against PCRE's match limit has found to fail: where it comes to the same place of
 * the program at the same byte again, it fails again and after as many passes, so that it need not go there.
 *
 * What lies ahead depends on the instruction, on the position, and for loops around it on how many iterations they have
 * had and whether the one at hand has taken anything; in programs without back-references on nothing else.
 */
import { op, type Program, unlimited, widthOf } from './program.js'

/** LIMIT: failures that are remembered at a time, a power of two; one takes the place of another. 16 bytes each. */
const mostKept = 1 << 19
/** Numbers a failure: its state, the value it was found in, its passes, one unused. */
const slotWidth = 4

/** PERF(patterns): one value is matched at a time in a thread, so that all programs may use the same memory. */
let slots = new Int32Array(0)
/** Number of the value at hand; failures of others do not count. */
let generation = 0

/** A loop as an instruction inside sees it. */
interface Around {
  readonly counter: number
  /** Below 0: it makes no difference whether the iteration has taken anything. */
  readonly mark: number
  /** More iterations make no difference. */
  readonly most: number
}

export class FailureMemo {
  /** By instruction: number of its first state, -1 where nothing is remembered. */
  readonly #first: Int32Array
  readonly #around: (readonly Around[])[] = []
  #states = 0
  #mask = 0
  /** By instruction: where the run taken last begins and ends. */
  readonly #runStarts: Int32Array
  readonly #runEnds: Int32Array

  /** Null for programs in which failing depends on what groups hold. */
  static of(program: Program): FailureMemo | null {
    for (const { code } of instructionsOf(program)) if (code === op.reference || code === op.ifGroup) return null
    return new FailureMemo(program)
  }

  private constructor(program: Program) {
    const { code } = program
    this.#first = new Int32Array(code.length).fill(-1)
    this.#runStarts = new Int32Array(code.length)
    this.#runEnds = new Int32Array(code.length)
    const instructions = [...instructionsOf(program)]
    const loops = instructions.filter((each) => each.code === op.loop).map(({ at }) => at)
    // A branch behind the first is come to from the one before it alone.
    const laterBranches = new Set(instructions.filter((each) => each.code === op.split).map(({ at }) => code[at + 1]))
    for (const { at } of instructions) {
      if (!choosing(code, at) || (code[at] === op.split && laterBranches.has(at))) continue
      const around = loops
        .filter((loop) => loop <= at && at < (code[loop + 6] as number))
        .map((loop) => loopAt(program, loop))
      this.#around[at] = around
      this.#first[at] = this.#states
      this.#states += around.reduce((count, { mark, most }) => count * (most + 1) * (mark < 0 ? 1 : 2), 1)
    }
    // Odd, so that the positions of a place share no slots.
    this.#states |= 1
  }

  /** Forgets the value before. False where the value is too long to tell its places apart. */
  begin(length: number): boolean {
    const states = this.#states * (length + 1)
    if (states >= 2 ** 31) return false
    const size = Math.min(mostKept, 2 ** Math.ceil(Math.log2(states + 1)))
    if (slots.length < size * slotWidth) slots = new Int32Array(size * slotWidth)
    this.#runStarts.fill(0)
    this.#runEnds.fill(0)
    this.#mask = slots.length / slotWidth - 1
    generation = (generation + 1) | 0
    if (generation === 0) {
      slots.fill(0)
      generation = 1
    }
    return true
  }

  /** Number of the state that the matcher is in; -1 where none is remembered. */
  stateAt(pc: number, at: number, registers: Int32Array): number {
    const first = this.#first[pc] as number
    if (first < 0) return -1
    let inside = 0
    const around = this.#around[pc] as readonly Around[]
    for (let i = 0; i < around.length; i++) {
      const { counter, mark, most } = around[i] as Around
      inside = inside * (most + 1) + Math.min(registers[counter] as number, most)
      if (mark >= 0) inside = inside * 2 + (registers[mark] === at ? 0 : 1)
    }
    return at * this.#states + first + inside
  }

  /** Passes after which the state fails; -1: not known. */
  passesOf(state: number): number {
    const slot = (state & this.#mask) * slotWidth
    return slots[slot] === state && slots[slot + 1] === generation ? (slots[slot + 2] as number) : -1
  }

  note(state: number, passes: number): void {
    const slot = (state & this.#mask) * slotWidth
    slots[slot] = state
    slots[slot + 1] = generation
    slots[slot + 2] = passes
  }

  /** How far the run of an instruction goes at least that begins there. */
  runEnd(pc: number, at: number): number {
    return at >= (this.#runStarts[pc] as number) ? Math.max(at, this.#runEnds[pc] as number) : at
  }

  noteRun(pc: number, start: number, end: number): void {
    if (start < (this.#runEnds[pc] as number) && start >= (this.#runStarts[pc] as number)) return
    this.#runStarts[pc] = start
    this.#runEnds[pc] = end
  }
}

function* instructionsOf({ code }: Program): Generator<{ readonly code: number; readonly at: number }> {
  for (let at = 0; at < code.length; at += widthOf(code[at] as number)) yield { code: code[at] as number, at }
}

/** Whether there may be more than one way on from the instruction. */
function choosing(code: Int32Array, at: number): boolean {
  switch (code[at]) {
    case op.split:
    case op.loop:
    case op.atomicIn:
    case op.lookIn:
      return true
    case op.run:
      return code[at + 4] !== 2 && code[at + 2] !== code[at + 3]
    default:
      return false
  }
}

function loopAt({ code, hollowLoops }: Program, at: number): Around {
  const [min, max] = [code[at + 3] as number, code[at + 4] as number]
  const mark = max > 1 && hollowLoops.has(at) ? (code[at + 2] as number) : -1
  return { counter: code[at + 1] as number, mark, most: max === unlimited ? min : max }
}
