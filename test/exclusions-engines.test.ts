/**
 * What `wafsim exclude` proposes does in the real engines what it was proven to do here: a few records of the bundled
 * corpora. Skipped, and said so, where an engine is not installed or its program of `bench/peers` is not built.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { tryExclusions } from '../bench/exclusions/trial.js'
import { missingProgram, peers, peersFolder } from '../bench/measure/peers.js'
import { PeerError } from '../bench/peers/peer.js'
import { announceSkipped, crsTree } from './support/test-data.js'

for (const peer of peers)
  test(`exclusions do in ${peer.name} what they do here`, async () => {
    const folder = peersFolder()
    const rules = crsTree()
    const missing = folder === null ? 'has no bench/peers' : peer.build === null ? null : missingProgram(peer)
    if (folder === null || rules === null || missing !== null) {
      announceSkipped('exclusions-engines', `${peer.name} ${missing ?? 'has no CRS 4 tree: set WAFSIM_CRS_TESTS'}`)
      return
    }
    const scratch = mkdtempSync(join(tmpdir(), 'wafsim-exclusions-'))
    try {
      const request = { peer, peersFolder: folder, rules, paranoia: 1, carried: 20, records: 40, scratch }
      const { trialled, exclusions } = await tryExclusions(request)
      assert.ok(exclusions > 0)
      assert.ok(trialled.some(({ before, after }) => before.engine.blocked && !after.engine.blocked))
      for (const { id, before, after, agreeing } of trialled) {
        if (agreeing !== null && agreeing > 0) continue
        assert.is(before.engine.blocked, before.wafsim.blocked, `${id}, without the exclusions`)
        assert.is(after.engine.blocked, after.wafsim.blocked, `${id}, with the exclusions`)
      }
    } catch (error) {
      if (!(error instanceof PeerError) || !/needs |install/.test(error.message)) throw error
      announceSkipped('exclusions-engines', error.message)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  })

test.run()
