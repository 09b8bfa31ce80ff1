/**
 * Many lists of numbers as one: what the tables of matching are made of.
 */

/** Where each list begins in all of them put together; one more for the end. */
export function offsets(lengths: ArrayLike<number>): Int32Array {
  const from = new Int32Array(lengths.length + 1)
  for (let i = 0; i < lengths.length; i++) from[i + 1] = (from[i] as number) + (lengths[i] as number)
  return from
}
