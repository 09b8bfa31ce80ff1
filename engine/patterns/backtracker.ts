/**
 * The backtracking matcher: PCRE's leftmost-first matching of a compiled pattern on a byte string, with every step
 * counted. It keeps its own stack, so neither long values nor deep nesting can overflow that of the program.
 */
import type { ByteString } from '../model/exchange.js'
import { spend } from '../time-budget.js'
import { type ByteSet, wordBytes } from './byte-set.js'
import { FailureMemo } from './failure-memo.js'
import { op, type Program, positionCodes, unlimited } from './program.js'

/** A pattern took more steps on a value than it is given. */
export class PatternRunaway extends Error {
  override readonly name: string = 'PatternRunaway'
}

/** What is on the stack: where to go on, a register to restore, a run that can give back or take more, what fails. */
const entry = { choice: 0, undo: 1, giveBack: 2, takeMore: 3, failing: 4 } as const

/** Numbers a stack entry. */
const width = 4

/** Bytes of a run that cost as much as one instruction. */
const runBytesPerStep = 8

/** PERF(patterns): steps a byte before failures are remembered: most values are done with by then. */
const defaultStepsBeforeMemo = 4

export class Backtracker {
  #stack = new Int32Array(1024)
  #top = 0
  #steps = 0
  #passes = 0
  readonly #registers: Int32Array
  /** Undefined: not made yet; null: of no use. */
  #failures: FailureMemo | null | undefined
  /** Whether failures of the value at hand are remembered. */
  #remembering = false
  /** Steps at which something is to be done: failures remembered from there on, or given up. */
  #nextTurn = 0

  /**
   * `maxSteps` a value; `maxPasses` a start position, as PCRE's match limit counts (program with `countPasses`). Once
   * `stepsBeforeMemo` steps a byte are taken, what fails is remembered.
   */
  constructor(
    private readonly program: Program,
    private readonly maxSteps: number,
    private readonly maxPasses = Number.POSITIVE_INFINITY,
    private readonly stepsBeforeMemo = maxPasses === Number.POSITIVE_INFINITY ? maxPasses : defaultStepsBeforeMemo,
  ) {
    this.#registers = new Int32Array(program.registers)
  }

  /** Borders of the match and its groups (-1: took no part), or null. Throws PatternRunaway. */
  exec(value: ByteString): Int32Array | null {
    const { first, anchored, groups } = this.program
    this.#steps = 0
    this.#remembering = false
    this.#nextTurn = Math.min(this.maxSteps, this.stepsBeforeMemo * value.length)
    const last = anchored ? 0 : value.length
    for (let start = 0; start <= last; start++) {
      if (first !== null && (start >= value.length || first[value.charCodeAt(start)] === 0)) continue
      this.#passes = 0
      const stepsBefore = this.#steps
      const end = this.#run(value, start)
      spend(this.#steps - stepsBefore)
      if (end < 0) continue
      const borders = this.#registers.slice(0, 2 * (groups + 1))
      borders[1] = end
      return borders
    }
    return null
  }

  #push(kind: number, one: number, two: number, three: number): void {
    const top = this.#top
    if (top + width > this.#stack.length) {
      const larger = new Int32Array(2 * this.#stack.length)
      larger.set(this.#stack)
      this.#stack = larger
    }
    const stack = this.#stack
    stack[top] = kind
    stack[top + 1] = one
    stack[top + 2] = two
    stack[top + 3] = three
    this.#top = top + width
  }

  #setRegister(register: number, content: number): void {
    this.#push(entry.undo, register, this.#registers[register] as number, 0)
    this.#registers[register] = content
  }

  /** Drops what could be given back above `height`, but keeps what restores registers. */
  #cut(height: number): void {
    const stack = this.#stack
    let to = height
    for (let from = height; from < this.#top; from += width) {
      if (stack[from] !== entry.undo) continue
      if (to !== from) stack.copyWithin(to, from, from + width)
      to += width
    }
    this.#top = to
  }

  /** Restores the registers as they were at `height`. */
  #unwind(height: number): void {
    const stack = this.#stack
    while (this.#top > height) {
      this.#top -= width
      if (stack[this.#top] === entry.undo)
        this.#registers[stack[this.#top + 1] as number] = stack[this.#top + 2] as number
    }
  }

  #spend(steps: number, value: ByteString): void {
    this.#steps += steps
    if (this.#steps > this.#nextTurn) this.#turn(value)
  }

  #turn({ length }: ByteString): void {
    if (this.#steps > this.maxSteps)
      throw new PatternRunaway(`the pattern took more than ${this.maxSteps} steps on one value`)
    this.#nextTurn = this.maxSteps
    if (this.#failures === undefined) this.#failures = FailureMemo.of(this.program)
    this.#remembering = this.#failures?.begin(length) ?? false
  }

  /** Whether it is known that all fails from there on, which then counts; else what is found out will be remembered. */
  #failsAgain(pc: number, at: number): boolean {
    const failures = this.#failures as FailureMemo
    const state = failures.stateAt(pc, at, this.#registers)
    if (state < 0) return false
    const passes = failures.passesOf(state)
    if (passes < 0) {
      this.#push(entry.failing, state, this.#passes, pc)
      return false
    }
    this.#count(passes)
    return true
  }

  #codeAt(pc: number, at: number): number {
    return this.#remembering && this.#failsAgain(pc, at) ? op.fail : (this.program.code[pc] as number)
  }

  /** A run was on its way from the position below: had it begun so that this was its least, it would have failed too. */
  #noteShorterRun(pc: number, end: number): void {
    const below = this.#top - width
    const stack = this.#stack
    if (below < 0 || stack[below] !== entry.failing || stack[below + 3] !== pc) return
    const { code } = this.program
    if (code[pc + 3] !== unlimited) return
    const failures = this.#failures as FailureMemo
    const state = failures.stateAt(pc, end - (code[pc + 2] as number), this.#registers)
    failures.note(state, this.#passes - (stack[below + 2] as number))
  }

  /** Counts a pass; false where it stands before no byte of the set. */
  #pass(value: ByteString, set: number, at: number): boolean {
    if (set >= 0 && this.program.sets[set]?.[value.charCodeAt(at)] !== 1) return false
    this.#count(1)
    return true
  }

  #count(passes: number): void {
    this.#passes += passes
    if (this.#passes > this.maxPasses) throw new PatternRunaway(`more than ${this.maxPasses} passes`)
  }

  /** End of the match that begins at `start`, or -1. */
  #run(value: ByteString, start: number): number {
    const { code, sets, groupLists } = this.program
    const registers = this.#registers
    registers.fill(-1)
    registers[0] = start
    this.#top = 0
    let pc = 0
    let at = start
    for (;;) {
      this.#spend(1, value)
      let failed = false
      switch (this.#codeAt(pc, at)) {
        case op.match:
          return at
        case op.set:
          if (at < value.length && sets[code[pc + 1] as number]?.[value.charCodeAt(at)] === 1) {
            at++
            pc += 2
          } else failed = true
          break
        case op.run: {
          const taken = this.#startRun(value, pc, at)
          if (taken < 0) failed = true
          else {
            at = taken
            pc += 5
          }
          break
        }
        case op.split:
          this.#push(entry.choice, code[pc + 1] as number, at, 0)
          pc += 2
          break
        case op.jump:
          pc = code[pc + 1] as number
          break
        case op.save:
          this.#setRegister(code[pc + 1] as number, at)
          pc += 2
          break
        case op.loopIn:
          this.#setRegister(code[pc + 1] as number, 0)
          this.#setRegister(code[pc + 2] as number, -1)
          pc += 3
          break
        case op.loop:
          pc = this.#loop(pc, at)
          break
        case op.loopBody: {
          const counter = code[pc + 1] as number
          this.#setRegister(counter, (registers[counter] as number) + 1)
          this.#setRegister(code[pc + 2] as number, at)
          pc += 3
          break
        }
        case op.atomicIn:
          this.#setRegister(code[pc + 1] as number, this.#top)
          pc += 2
          break
        case op.atomicOut:
          this.#cut(registers[code[pc + 1] as number] as number)
          pc += 2
          break
        case op.lookIn: {
          const height = this.#top
          const otherwise = code[pc + 3] as number
          this.#setRegister(code[pc + 1] as number, height)
          this.#setRegister(code[pc + 2] as number, at)
          if (otherwise >= 0) this.#push(entry.choice, otherwise, at, 0)
          pc += 4
          break
        }
        case op.lookOut:
          at = registers[code[pc + 2] as number] as number
          this.#cut(registers[code[pc + 1] as number] as number)
          pc += 3
          break
        case op.lookFail:
          this.#unwind(registers[code[pc + 1] as number] as number)
          failed = true
          break
        case op.back:
          at -= code[pc + 1] as number
          if (at < 0) failed = true
          else pc += 2
          break
        case op.reference: {
          const length = this.#reference(value, groupLists[code[pc + 1] as number] ?? [], code[pc + 2] === 1, at)
          if (length < 0) failed = true
          else {
            at += length
            pc += 3
          }
          break
        }
        case op.position:
          if (isAt(code[pc + 1] as number, value, at)) pc += 2
          else failed = true
          break
        case op.ifGroup:
          pc = this.#isAnySet(groupLists[code[pc + 1] as number] ?? []) ? pc + 3 : (code[pc + 2] as number)
          break
        case op.groupOut: {
          const group = code[pc + 2] as number
          this.#setRegister(2 * group, registers[code[pc + 1] as number] as number)
          this.#setRegister(2 * group + 1, at)
          pc += 3
          break
        }
        case op.pass:
          failed = !this.#pass(value, code[pc + 1] as number, at)
          pc += 2
          break
        case op.fail:
          failed = true
          break
        default:
          throw new Error(`no instruction ${code[pc]}`)
      }
      if (!failed) continue
      const next = this.#backtrack(value)
      if (next < 0) return -1
      pc = next
      at = this.#at
    }
  }

  /** Position that `#backtrack` goes on from. */
  #at = 0

  /** Takes back the last choice; the instruction to go on with, or -1 where none is left. */
  #backtrack(value: ByteString): number {
    const { code, sets } = this.program
    while (this.#top > 0) {
      this.#top -= width
      const top = this.#top
      const stack = this.#stack
      const one = stack[top + 1] as number
      switch (stack[top]) {
        case entry.undo:
          this.#registers[one] = stack[top + 2] as number
          break
        case entry.choice:
          this.#at = stack[top + 2] as number
          return one
        case entry.failing:
          ;(this.#failures as FailureMemo).note(one, this.#passes - (stack[top + 2] as number))
          break
        case entry.giveBack: {
          if (this.#remembering) this.#noteShorterRun(one - 5, stack[top + 3] as number)
          const at = (stack[top + 3] as number) - 1
          this.#at = at
          if (at > (stack[top + 2] as number)) {
            stack[top + 3] = at
            this.#top += width
          }
          return one
        }
        default: {
          // A lazy run: `one` is its instruction, then position and how many bytes it may still take.
          const at = stack[top + 2] as number
          const left = stack[top + 3] as number
          if (at >= value.length || sets[code[one + 1] as number]?.[value.charCodeAt(at)] !== 1) break
          // Going on is what a run does that begins one byte further on.
          if (this.#remembering && left === unlimited) {
            if (this.#failsAgain(one, at + 1 - (code[one + 2] as number))) break
            this.#push(entry.takeMore, one, at + 1, unlimited)
          } else if (left > 1) {
            stack[top + 2] = at + 1
            stack[top + 3] = left - 1
            this.#top += width
          }
          this.#at = at + 1
          return one + 5
        }
      }
    }
    return -1
  }

  /** Position behind the run, or -1. */
  #startRun(value: ByteString, pc: number, at: number): number {
    const { code, sets } = this.program
    const set = sets[code[pc + 1] as number] as Uint8Array
    const min = code[pc + 2] as number
    const max = code[pc + 3] as number
    const mode = code[pc + 4] as number
    const limit = Math.min(value.length, at + (mode === 1 ? min : max))
    let end = at
    if (this.#remembering && max === unlimited && mode !== 1) end = this.#endWithMemo(value, pc, at)
    else while (end < limit && set[value.charCodeAt(end)] === 1) end++
    this.#spend(Math.floor((end - at) / runBytesPerStep), value)
    if (end - at < min) return -1
    if (mode === 1 && max > min) this.#push(entry.takeMore, pc, end, max === unlimited ? unlimited : max - min)
    if (mode === 0 && end > at + min) this.#push(entry.giveBack, pc + 5, at + min, end)
    return end
  }

  /** The end of a run without an upper bound; of a greedy one as much as is not known to fail, which is counted. */
  #endWithMemo(value: ByteString, pc: number, at: number): number {
    const { code, sets } = this.program
    const set = sets[code[pc + 1] as number] as ByteSet
    const failures = this.#failures as FailureMemo
    const greedy = code[pc + 4] === 0
    let end = greedy ? at : failures.runEnd(pc, at)
    let most = value.length
    for (; end < most && set[value.charCodeAt(end)] === 1; end++) {
      if (!greedy) end = Math.max(end, failures.runEnd(pc, end) - 1)
      if (!greedy || end === at || most < value.length) continue
      const passes = failures.passesOf(failures.stateAt(pc, end, this.#registers))
      if (passes < 0) continue
      this.#count(passes)
      most = Math.min(value.length, end - 1 + (code[pc + 2] as number))
      if (end >= most) return most
    }
    if (!greedy) failures.noteRun(pc, at, end)
    return end
  }

  /** The next instruction of a loop: its body or its exit. */
  #loop(pc: number, at: number): number {
    const { code } = this.program
    const count = this.#registers[code[pc + 1] as number] as number
    const min = code[pc + 3] as number
    const max = code[pc + 4] as number
    const exit = code[pc + 6] as number
    const body = pc + 7
    // An iteration that took nothing is the last one, or the loop would not end.
    const stuck = this.#registers[code[pc + 2] as number] === at
    if (count < min && !stuck) return body
    if (stuck || count >= max) return exit
    if (code[pc + 5] === 1) {
      this.#push(entry.choice, body, at, 0)
      return exit
    }
    this.#push(entry.choice, exit, at, 0)
    return body
  }

  #isAnySet(groups: readonly number[]): boolean {
    return groups.some((group) => this.#isSet(group))
  }

  #isSet(group: number): boolean {
    return (this.#registers[2 * group + 1] as number) >= 0
  }

  /** Length of what the group took, where the same stands at `at`; else -1. */
  #reference(value: ByteString, groups: readonly number[], caseless: boolean, at: number): number {
    const group = groups.find((each) => this.#isSet(each))
    if (group === undefined) return -1
    const from = this.#registers[2 * group] as number
    const length = (this.#registers[2 * group + 1] as number) - from
    if (length < 0) return -1
    this.#spend(Math.floor(length / runBytesPerStep), value)
    const there = value.slice(at, at + length)
    const taken = value.slice(from, from + length)
    const same = caseless ? foldAscii(there) === foldAscii(taken) : there === taken
    return same ? length : -1
  }
}

function foldAscii(text: ByteString): ByteString {
  return text.replace(/[A-Z]/g, (char) => char.toLowerCase())
}

function isWord(value: ByteString, at: number): boolean {
  return at >= 0 && at < value.length && wordBytes[value.charCodeAt(at)] === 1
}

function isAt(position: number, value: ByteString, at: number): boolean {
  switch (position) {
    case positionCodes.start:
    case positionCodes['search-start']:
      return at === 0
    case positionCodes.end:
      return at === value.length
    case positionCodes['end-or-last-newline']:
      return at === value.length || (at === value.length - 1 && value[at] === '\n')
    case positionCodes['line-start']:
      // PCRE: not behind a newline that ends the value.
      return at === 0 || (at < value.length && value[at - 1] === '\n')
    case positionCodes['line-end']:
      return at === value.length || value[at] === '\n'
    case positionCodes['word-border']:
      return isWord(value, at - 1) !== isWord(value, at)
    default:
      return isWord(value, at - 1) === isWord(value, at)
  }
}
