/**
 * Unlabelled requests that would be blocked: grouped by place, judged with the figures of the whole corpus.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type EvaluatedRecord, evaluate, settingsInForce, type TransactionRecord } from '../engine/index.js'
import { CaseBook } from '../engine/tuning/case-book.js'
import { learnFamilies } from '../engine/tuning/parameter-families.js'
import { filenameOf, learnPathTemplates } from '../engine/tuning/path-templates.js'
import type { Trial } from '../engine/tuning/trial.js'
import { ClientConduct } from '../engine/tuning/unlabelled/client-conduct.js'
import { type Judgement, judgeUnlabelled, requestKey } from '../engine/tuning/unlabelled/unlabelled.js'
import { request, rules } from './support/scenario.js'

const { ruleset } = rules('SecRule ARGS "@contains evil" "id:1,phase:2,deny,log,msg:\'m\'"')

function sent(n: number, uri: string, body: string, client: string): TransactionRecord {
  const response = { status: 200, headers: [], body: '' }
  return { ...request({ id: `r${n}`, uri, body, response }), client: { ip: client, port: 1 } }
}

async function judged(records: readonly TransactionRecord[]): Promise<Judgement> {
  const settings = settingsInForce(ruleset)
  const { platform } = ruleset
  const book = new CaseBook(ruleset, settings, (record) => filenameOf(record, platform))
  const clients = new ClientConduct()
  const paths = new Map<string, number>()
  const requests = new Map<string, number>()
  const ids = new Set<string>()
  for (const record of records) {
    const verdict = evaluate(ruleset, record)
    const item: EvaluatedRecord = { ...record, origin: { client: record.client?.ip ?? '' } }
    clients.add(item, verdict)
    const path = filenameOf(record, platform)
    paths.set(path, (paths.get(path) ?? 0) + 1)
    const key = requestKey(record.request.method, path)
    requests.set(key, (requests.get(key) ?? 0) + 1)
    if (!verdict.wouldBlock) continue
    ids.add(record.id)
    book.add(item, verdict)
  }
  const base: Trial = {
    ruleset,
    settings,
    async *evaluate(some) {
      for await (const record of some) yield { record, verdict: evaluate(ruleset, record) }
    },
  }
  const laboratory = {
    load: () => Promise.resolve(base),
    async *records(isWanted: (record: TransactionRecord) => boolean) {
      yield* records.filter(isWanted)
    },
    async *recordsWithIds(wanted: ReadonlySet<string>) {
      yield* records.filter(({ id }) => wanted.has(id))
    },
  }
  const templateOf = learnPathTemplates(paths, platform)
  const familyOf = learnFamilies(['items[0]', 'items[1]'], platform)
  return judgeUnlabelled({
    laboratory,
    base,
    book,
    ids,
    clients,
    requests,
    templateOf,
    familyOf: (_, name) => familyOf(name),
  })
}

test('hits are grouped by template and family, and counted against all requests there', async () => {
  const records = Array.from({ length: 60 }, (_, n) =>
    sent(
      n,
      `/order/${n}/note`,
      n % 2 === 0 ? `items%5B${n % 4}%5D=the+evil+twin+again` : 'items%5B0%5D=fine',
      `192.0.2.${n % 20}`,
    ),
  )
  const { groups, likely } = await judged(records)
  assert.is(groups.length, 1)
  const [group] = groups
  assert.equal(
    [group?.ruleId, group?.target, group?.method, group?.path, group?.requests],
    [1, 'ARGS:items[*]', 'POST', '/order/{id}/note', 30],
  )
  assert.is(group?.verdict, 'likely-false-positive')
  assert.match(group?.reasons.join(' ') ?? '', /30 of 60 requests to the path/)
  assert.is(likely.size, 30)
})

test('without requests that would be blocked there is nothing to judge', async () => {
  assert.equal(await judged([sent(1, '/', 'a=1', '192.0.2.1')]), { groups: [], likely: new Set() })
})

test.run()
