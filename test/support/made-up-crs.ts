/**
 * A made-up CRS release, small and without a line of the real one, and archives of it; for tests of how
 * releases are found, unpacked and ordered.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export type Files = Record<string, string>

/** A release in the layout of the official archive, settings named as in CRS 4 or CRS 3. */
export function madeUpRelease(version = '4.99.1'): Files {
  const isThree = version.startsWith('3.')
  const level = isThree ? 'paranoia_level' : 'blocking_paranoia_level'
  const detection = isThree ? 'executing_paranoia_level' : 'detection_paranoia_level'
  const init = [
    level,
    detection,
    'inbound_anomaly_score_threshold',
    'outbound_anomaly_score_threshold',
    'sampling_percentage',
    'arg_length',
  ].map(
    (name, i) =>
      `SecRule &TX:${name} "@eq 0" "id:${901100 + i},phase:1,pass,nolog,ver:'OWASP_CRS/${version}',setvar:'tx.${name}=1'"`,
  )
  return {
    'crs-setup.conf.example': '# setvar:tx.made_up=1\nSecDefaultAction "phase:1,log,pass"\n',
    'rules/REQUEST-901-INITIALIZATION.conf': `${init.join('\n')}\n`,
    'rules/REQUEST-942-APPLICATION-ATTACK-SQLI.conf':
      'SecRule ARGS "@pmFromFile words.data" "id:942001,phase:2,block"\n',
    'rules/REQUEST-949-BLOCKING-EVALUATION.conf':
      'SecRule TX:SCORE "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny"\n',
    'rules/words.data': 'union\nselect\n',
    'rules/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf.example': '# nothing\n',
    'plugins/a-config.conf': 'SecMarker A-CONFIG\n',
    'plugins/a-before.conf': 'SecMarker A-BEFORE\n',
    'plugins/a-after.conf': 'SecMarker A-AFTER\n',
    'tests/regression/tests/942/942001.yaml': 'rule_id: 942001\n',
    LICENSE: 'made up\n',
  }
}

export function writeFiles(folder: string, files: Files): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** `mode` is the Unix mode, for links. */
export interface ZipEntry {
  readonly path: string
  readonly content: string
  readonly mode?: number
}

/** A zip archive with stored (uncompressed) entries. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { path, content, mode = 0o100644 } of entries) {
    const name = Buffer.from(path)
    const data = Buffer.from(content)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(20, 4)
    local.writeUInt32LE(crcOf(data), 14)
    local.writeUInt32LE(data.length, 18)
    local.writeUInt32LE(data.length, 22)
    local.writeUInt16LE(name.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE((3 << 8) | 20, 4)
    central.writeUInt16LE(20, 6)
    local.copy(central, 16, 14, 26)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE((mode << 16) >>> 0, 38)
    central.writeUInt32LE(offset, 42)
    locals.push(local, name, data)
    directory.push(central, name)
    offset += local.length + name.length + data.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...directory, end])
}

/** CRC-32 as zip archives have it. */
function crcOf(data: Buffer): number {
  let crc = -1
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
