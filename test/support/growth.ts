/**
 * Whether work grows with its input and no faster: CPU time of a small input beside that of a larger one, never a time
 * by itself.
 */
import * as assert from 'uvu/assert'

/** The larger input is so many times the smaller one. */
const factor = 8
/** LIMIT: growth that passes: four times what is linear, half of what is quadratic. */
const greatestGrowth = 4 * factor
const rounds = 3
/** Whoever shares the machine makes single measurements worthless. */
const attempts = 4

function leastCpu(work: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, user + system)
  }
  return least
}

/** Fails where the work for 8 times `size` takes more than 32 times as long, again and again. */
export function assertLinear(name: string, size: number, workFor: (size: number) => () => void): void {
  const small = workFor(size)
  const large = workFor(factor * size)
  small()
  const growths: number[] = []
  for (let attempt = 0; attempt < attempts; attempt++) {
    // Times below a tenth of a millisecond are noise.
    const growth = leastCpu(large) / Math.max(leastCpu(small), 100)
    if (growth <= greatestGrowth) return
    growths.push(Math.round(growth))
  }
  assert.unreachable(`${name}: ${factor} times the size takes ${growths.join(', ')} times as long`)
}
