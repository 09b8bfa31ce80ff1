/**
 * Answers of value classes kept from one transaction to the next. Bounded: two generations, of which the older one is
 * dropped when the younger is full; what is asked for again moves to the younger.
 */
import type { ByteString } from '../model/exchange.js'
import type { Hits } from './value-class.js'

/** LIMIT: longer values, in bytes, are not kept. */
const longestValue = 512
/** LIMIT: answers of one generation. */
const generationSize = 10_000

type Answers = Map<ByteString, Hits>

export class Memo {
  #young: Answers[] = []
  #old: Answers[] = []
  #count = 0

  /** The answer of the class of that number, computed where it is not known. */
  answer(classNumber: number, value: ByteString, compute: () => Hits): Hits {
    if (value.length > longestValue) return compute()
    let young = this.#young[classNumber]
    if (young === undefined) {
      young = new Map()
      this.#young[classNumber] = young
    }
    let hits = young.get(value)
    if (hits !== undefined) return hits
    hits = this.#old[classNumber]?.get(value) ?? compute()
    young.set(ownText(value), hits)
    if (++this.#count >= generationSize) this.#age()
    return hits
  }

  #age(): void {
    this.#old = this.#young
    this.#young = []
    this.#count = 0
  }
}

/** V8 makes no part of another string of a text that is shorter than this. */
const shortestPart = 13
const pool = Buffer.allocUnsafeSlow(longestValue)

/** A copy, so that what is kept does not keep the body that the value was cut from. */
function ownText(value: ByteString): ByteString {
  if (value.length < shortestPart) return value
  pool.write(value, 'latin1')
  return pool.toString('latin1', 0, value.length)
}
