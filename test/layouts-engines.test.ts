/**
 * What layouts write loads in the real engines and leaves the rules around it alone. Skipped, and said so, where an
 * engine is not installed or its program of `bench/peers` is not built.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { missingProgram, type Peer, peers, peersFolder } from '../bench/measure/peers.js'
import { PeerError, replay } from '../bench/peers/peer.js'
import { type LayoutDefinition, layouts, renderLayout, secLangOf } from '../cli/layouts/index.js'
import { exclusion, hostileCase, random, removal, setting } from './support/exclusions.js'
import { request } from './support/scenario.js'
import { announceSkipped } from './support/test-data.js'

const engine = 'SecRuleEngine On\nSecRequestBodyAccess On\n'
const rules = [942_100, 941_320, 911_100, 920_420, 932_130]
  .map((id) => `SecRule ARGS:attack "@streq yes" "id:${id},phase:2,deny,status:403,log"`)
  .join('\n')
const closing = 'SecRule ARGS:last "@streq yes" "id:77,phase:2,deny,status:403,log"\n'

/** The texts of a layout as the engine would come by them, the rules between them. */
function filesOf(layout: LayoutDefinition, peer: Peer, scratch: string): string[] {
  const next = random(77)
  const cases = Array.from({ length: 60 }, (_, number) => hostileCase(next, number, peer.platform))
  const messages = new Map(cases.map((each) => [each.exclusion.ruleIds[0] ?? 0, each.message]))
  // A removal of a rule for every request would hide whether the rules still run.
  const list = cases.map((each) => each.exclusion).filter((each) => each.kind !== 'remove-by-id')
  const files = renderLayout(
    layout,
    [...list, exclusion({ ruleIds: [77], configIds: [49_998] }), removal(942_100), { ...setting, key: 's' }],
    {
      today: '2026-12-01',
      messages,
      attacksBefore: 9,
    },
  )
  const texts = files.map(({ text }) => secLangOf(text).replace(/^\s*(?:Include @|modsecurity).*$/gm, ''))
  const all = [engine, texts[0] ?? '', rules, ...texts.slice(1), closing]
  return all.map((text, at) => {
    const path = join(scratch, `${layout.name}-${at}.conf`)
    writeFileSync(path, text, 'latin1')
    return path
  })
}

for (const peer of peers)
  test(`${peer.name} loads what is written for it, and rules that are not excluded still run`, async () => {
    const root = peersFolder()
    const missing = root === null ? 'no bench/peers' : peer.build === null ? null : missingProgram(peer)
    if (root === null || missing !== null) {
      announceSkipped('layouts-engines', `${peer.name} ${missing}`)
      return
    }
    const scratch = mkdtempSync(join(tmpdir(), 'wafsim-layouts-'))
    try {
      const records = [
        request({ id: 'excluded', uri: '/contact?last=yes' }),
        request({ id: 'elsewhere', uri: '/other?last=yes' }),
        request({ id: 'other rule', uri: '/contact?attack=yes' }),
      ]
      const suiting = layouts.filter((layout) => layout.platforms.includes(peer.platform))
      for (const layout of suiting) {
        const { results } = await replay(peer, root, scratch, filesOf(layout, peer, scratch), records)
        assert.equal(
          results.map(({ status }) => status),
          [200, 403, 403],
          layout.name,
        )
      }
    } catch (error) {
      if (!(error instanceof PeerError) || !/needs |install/.test(error.message)) throw error
      announceSkipped('layouts-engines', error.message)
    } finally {
      rmSync(scratch, { recursive: true })
    }
  })

test.run()
