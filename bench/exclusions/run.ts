/**
 * `npm run exclusions:engines [-- OPTIONS]`: what `wafsim exclude` proposes for the bundled benign requests, loaded in
 * the real engines. Counts on standard output, and every record on which the two sides disagree.
 *
 * Exit status: 0 where an engine was tried and the exclusions did there what wafsim foretold, 1 where they did not, 2
 * where no engine could be tried.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Peer, peers, peersFolder } from '../measure/peers.js'
import { buildPeer } from '../peers/peer.js'
import { chooseRules } from '../peers/rules.js'
import { type Answer, type Kind, replays, type Trialled, type TrialResult, tryExclusions } from './trial.js'

const usage = `usage: npm run exclusions:engines -- [OPTIONS]
  --peer NAME       ${peers.map(({ name }) => name).join(', ')}; may be repeated (all)
  --paranoia LEVEL  1 to 4; may be repeated (1, 2 and 3)
  --crs RULES       what wafsim's --rules takes (a CRS tree beside the checkout, or an installed release)
  --carried N       attacks carried where the exclusions open (300)
`

const { values: given } = parseArgs({
  options: {
    peer: { type: 'string', multiple: true },
    paranoia: { type: 'string', multiple: true },
    crs: { type: 'string' },
    carried: { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (given.help === true) {
  process.stdout.write(usage)
  process.exit(0)
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = peersFolder()
const [rules = 'crs'] = chooseRules(given.crs === undefined ? undefined : [given.crs], root)
const levels = (given.paranoia ?? ['1', '2', '3']).map(Number)
let tried = 0
let wrong = 0

/** A record that the exclusions changed on one side and not on the other. */
function isChangedApart({ before, after, agreeing }: Trialled): boolean {
  // What the engine does in one replay and not in the next is no effect of the exclusions.
  if (agreeing !== null && agreeing > 0) return false
  return before.wafsim.blocked === before.engine.blocked && after.wafsim.blocked !== after.engine.blocked
}

function blockedOf(list: readonly Trialled[], pick: (each: Trialled) => Answer): number {
  return list.filter((each) => pick(each).blocked).length
}

function tell(peer: Peer, paranoia: number, { version, exclusions, trialled }: TrialResult): void {
  process.stdout.write(`${peer.name} (${version}), paranoia ${paranoia}: loads ${exclusions} exclusions\n`)
  for (const kind of ['benign', 'attack', 'carried'] as readonly Kind[]) {
    const list = trialled.filter((each) => each.kind === kind)
    const counts = [
      `before ${blockedOf(list, ({ before }) => before.wafsim)} wafsim, ${blockedOf(list, ({ before }) => before.engine)} engine`,
      `after ${blockedOf(list, ({ after }) => after.wafsim)} wafsim, ${blockedOf(list, ({ after }) => after.engine)} engine`,
      `after, by both ${list.filter(({ after }) => after.wafsim.blocked && after.engine.blocked).length}`,
    ]
    process.stdout.write(`  ${kind}: ${list.length} sent; blocked ${counts.join('; ')}\n`)
  }
  for (const each of trialled) {
    const stages = (['before', 'after'] as const).filter(
      (stage) => each[stage].wafsim.blocked !== each[stage].engine.blocked,
    )
    for (const stage of stages) tellDisagreement(each, stage)
  }
}

function tellDisagreement(each: Trialled, stage: 'before' | 'after'): void {
  const { wafsim, engine } = each[stage]
  const only = (one: Answer, other: Answer): string =>
    one.ruleIds.filter((id) => !other.ruleIds.includes(id)).join(' ') || 'none'
  const { agreeing } = each
  const varies = stage === 'before' || agreeing === null ? '' : `; as wafsim in ${agreeing} of ${replays} replays`
  process.stdout.write(
    `    ${JSON.stringify(each.id)} ${stage}: ${wafsim.blocked ? 'wafsim' : 'engine'} alone blocks; rules of wafsim alone: ${only(wafsim, engine)}; of the engine alone: ${only(engine, wafsim)}${varies}\n`,
  )
}

for (const peer of peers.filter(({ name }) => given.peer === undefined || given.peer.includes(name))) {
  const problem = folder === null ? 'no bench/peers' : await buildPeer(peer, folder)
  if (folder === null || problem !== null) {
    process.stdout.write(`${peer.name}: left out, ${problem}\n`)
    continue
  }
  for (const paranoia of levels) {
    const scratch = mkdtempSync(join(tmpdir(), 'wafsim-exclusions-'))
    try {
      const carried = Number(given.carried ?? 300)
      const result = await tryExclusions({
        peer,
        peersFolder: folder,
        rules,
        paranoia,
        carried,
        records: null,
        scratch,
      })
      tell(peer, paranoia, result)
      wrong += result.trialled.filter(isChangedApart).length
    } catch (error) {
      process.stdout.write(`${peer.name}, paranoia ${paranoia}: ${(error as Error).message}\n`)
      wrong++
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
    tried++
  }
}
process.stdout.write(`records that the exclusions change on one side alone: ${wrong}\n`)
process.exitCode = tried === 0 ? 2 : wrong === 0 ? 0 : 1
