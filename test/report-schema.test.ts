/**
 * The published JSON Schema holds for real reports, and describes every field it names.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { folderWith, wafsim } from './support/cli.js'
import { repositoryRoot } from './support/test-data.js'

const published = (name: string) => JSON.parse(readFileSync(join(repositoryRoot(), 'docs', name), 'utf8'))
const schema = published('run-report.schema.json')
const excludeSchema = published('exclude-report.schema.json')

test('a report of the starter ruleset over attacks, benign and unlabelled records is valid', () => {
  const record = (id: string, label: string, body: string) =>
    JSON.stringify({
      id,
      label,
      request: {
        method: 'POST',
        uri: '/comment',
        headers: [
          ['Host', 'blog.example.com'],
          ['Content-Type', 'application/x-www-form-urlencoded'],
        ],
        body,
      },
    })
  const lines = [
    record('a', 'benign', "text=1'+or+'1'='1+<script>alert(1)</script>"),
    record('b', 'attack', 'text=hello'),
    record('c', 'unknown', "text=1'+union+select+password+from+users--"),
    '{"broken',
  ]
  const folder = folderWith({ 'c.ndjson': `${lines.join('\n')}\n` })
  const result = wafsim(['run', '--rules', 'starter', '--corpus', folder('c.ndjson'), '--format', 'json', '--quiet'])
  assert.is(result.status, 0, result.err)
  const report = JSON.parse(result.out)
  const validate = new Ajv2020({ allErrors: true, strict: false }).compile(schema)
  const valid: unknown = validate(report)
  assert.is(valid, true, JSON.stringify(validate.errors))
  assert.ok(report.falsePositives.length > 0)
  assert.ok(report.unlabelledBlocks.length > 0)
  assert.is(report.missedAttacks.length, 1)
  assert.is(report.errors.length, 1)
})

test('a report of exclude over benign, attack and unlabelled records is valid', () => {
  const record = (id: string, label: string, text: string) =>
    JSON.stringify({
      id,
      label,
      tags: label === 'attack' ? ['attack-sqli'] : [],
      request: { method: 'GET', uri: `/search?q=${encodeURIComponent(text)}`, headers: [['Host', 'example.com']] },
    })
  const lines = [
    record('a', 'benign', "1' or '1'='1"),
    record('b', 'attack', "1' union select password from users--"),
    record('c', 'unknown', '<script>alert(1)</script>'),
  ]
  const folder = folderWith({ 'c.ndjson': `${lines.join('\n')}\n` })
  const options = ['--rules', 'starter', '--corpus', folder('c.ndjson'), '--no-standard-attacks', '--workers', '0']
  const result = wafsim(['exclude', ...options, '--format', 'json', '--quiet'])
  assert.is(result.status, 0, result.err)
  const report = JSON.parse(result.out)
  const validate = new Ajv2020({ allErrors: true, strict: false }).addSchema(schema).compile(excludeSchema)
  const valid: unknown = validate(report)
  assert.is(valid, true, JSON.stringify(validate.errors))
  assert.ok(report.exclusions.length > 0)
  assert.ok(report.places.length > 0)
  assert.ok(report.unlabelled.length > 0)
})

test('every field of the schemas is described', () => {
  const bare: string[] = []
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    const fields = (node as { properties?: Record<string, { description?: string }> }).properties
    for (const [name, field] of Object.entries(fields ?? {}))
      if (typeof field.description !== 'string') bare.push(`${path}.${name}`)
    for (const [name, child] of Object.entries(node)) visit(child, `${path}.${name}`)
  }
  visit(schema, 'run')
  visit(excludeSchema, 'exclude')
  assert.equal(bare, [])
})

test.run()
