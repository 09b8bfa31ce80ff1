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
import { type LayoutDefinition, layoutFor, layouts, renderLayout, secLangOf } from '../cli/layouts/index.js'
import {
  defaultIdBounds,
  type Exclusion,
  type HandInput,
  laddersByHand,
  type PlatformName,
  readExclusions,
  settingsInForce,
} from '../engine/index.js'
import { exclusion, hostileCase, hostileText, random, removal, setting } from './support/exclusions.js'
import { request, rules } from './support/scenario.js'
import { announceSkipped } from './support/test-data.js'

const engine = 'SecRuleEngine On\nSecRequestBodyAccess On\n'
const attackRules = [942_100, 941_320, 911_100, 920_420, 932_130]
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
  const all = [engine, texts[0] ?? '', attackRules, ...texts.slice(1), closing]
  return all.map((text, at) => {
    const path = join(scratch, `${layout.name}-${at}.conf`)
    writeFileSync(path, text, 'latin1')
    return path
  })
}

/** Runs with a folder of its own; says so where the engine is not there. */
async function withPeer(peer: Peer, run: (root: string, scratch: string) => Promise<void>): Promise<void> {
  const root = peersFolder()
  const missing = root === null ? 'no bench/peers' : peer.build === null ? null : missingProgram(peer)
  if (root === null || missing !== null) {
    announceSkipped('layouts-engines', `${peer.name} ${missing}`)
    return
  }
  const scratch = mkdtempSync(join(tmpdir(), 'wafsim-layouts-'))
  try {
    await run(root, scratch)
  } catch (error) {
    if (!(error instanceof PeerError) || !/needs |install/.test(error.message)) throw error
    announceSkipped('layouts-engines', error.message)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

for (const peer of peers) {
  test(`${peer.name} loads what is written for it, and rules that are not excluded still run`, () =>
    withPeer(peer, async (root, scratch) => {
      const records = [
        request({ id: 'excluded', uri: '/contact?last=yes' }),
        request({ id: 'elsewhere', uri: '/other?last=yes' }),
        request({ id: 'other rule', uri: '/contact?attack=yes' }),
      ]
      for (const layout of layouts.filter((each) => each.platforms.includes(peer.platform))) {
        const { results } = await replay(peer, root, scratch, filesOf(layout, peer, scratch), records)
        assert.equal(
          results.map(({ status }) => status),
          [200, 403, 403],
          layout.name,
        )
      }
    }))

  test(`${peer.name} loads every kind of exclusion, whatever is named in it`, () =>
    withPeer(peer, async (root, scratch) => {
      const files = ladderTexts(peer.platform).map((text, at) => {
        const path = join(scratch, `ladder-${at}.conf`)
        writeFileSync(path, text, 'latin1')
        return path
      })
      const records = [
        request({ uri: '/other?a=evil' }),
        request({ uri: '/named?b=evil' }),
        request({ uri: '/other?b=evil' }),
      ]
      const { results } = await replay(peer, root, scratch, files, records)
      assert.equal(
        results.map(({ status }) => status),
        [200, 200, 403],
      )
    }))
}

/** Setup, run-time exclusions, rules, configure-time exclusions: for many names, of a rule that is not the one tried. */
function ladderTexts(platform: PlatformName): readonly string[] {
  const rule = (id: number, word: string): string =>
    `SecRule ARGS "@contains ${word}" "id:${id},phase:2,deny,status:403,log,tag:'attack-${id}',msg:'x'"\n`
  const text = rule(942_100, 'wicked') + rule(942_110, 'evil')
  const { ruleset } = rules(text, platform)
  const next = random(3)
  const taken = new Set([942_100, 942_110])
  const list = new Map<string, Exclusion>()
  const add = (ruleId: number, named: Partial<HandInput>, isWanted: (kind: string) => boolean): void => {
    const ids = { bounds: defaultIdBounds, taken }
    const settings = settingsInForce(ruleset)
    const shared = { ruleset, settings, ruleId, parameter: null, path: null, ids }
    for (const { rungs } of laddersByHand({ ...shared, ...named }))
      for (const { exclusion: each } of rungs) {
        if (each === null || !isWanted(each.kind) || list.has(each.key)) continue
        list.set(each.key, each)
        for (const id of each.configIds) taken.add(id)
      }
  }
  for (let n = 0; n < 80; n++) {
    const named = { parameter: hostileText(next), path: `/${hostileText(next)}` }
    const scope = n % 2 === 0 ? {} : { method: hostileText(next), host: hostileText(next) }
    // Coraza refuses to change a rule that is not there any more.
    add(942_100, { ...named, ...scope }, (kind) => !kind.startsWith('remove-by-'))
  }
  add(942_110, { parameter: 'a', path: '/x' }, (kind) => kind === 'update-target-by-id')
  add(942_110, { parameter: 'b', path: '/named' }, (kind) => kind === 'ctl-remove-target-by-id')
  const [file] = renderLayout(layoutFor('inline', platform), [...list.values()], {
    today: '2026-12-01',
    messages: new Map(),
    attacksBefore: null,
  })
  const { texts } = readExclusions(file?.text ?? '', 'x', platform)
  return [engine, texts.setup, texts.before, text, texts.after, texts.location]
}

test.run()
