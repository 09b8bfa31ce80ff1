/**
 * Reads what a folder, a `.tar.gz` or a `.zip` holds of a CRS release into memory, within limits.
 *
 * Nothing is written here, and nothing that an archive says about paths reaches the disk unchecked.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { UsageError } from '../engine/errors.js'
import { Allowance, checkEntryPath, isWanted, limits, pickRelease, type Release, refuseLink } from './crs-release.js'

const load = createRequire(import.meta.url)
/** Loaded with the first archive of their kind. */
const tar = (): typeof import('tar') => load('tar')
const yauzl = (): typeof import('yauzl') => load('yauzl')

/** LIMIT: folders nested deeper are left out; a release has five levels. */
const deepestFolder = 8

/** The release at a path: a folder or an archive, told by its first bytes. Throws UsageError. */
export async function readRelease(path: string): Promise<Release> {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) throw new UsageError(`${path}: no such file or folder; check the path`)
  if (status.isDirectory()) return pickRelease(path, readFolder(path))
  if (status.size > limits.archiveBytes)
    throw new UsageError(`${path}: is larger than ${limits.archiveBytes / 1048576} MB; that is no CRS release`)
  return readArchive(path, readFileSync(path))
}

/** The release in an archive's bytes; `source` names it in messages. Throws UsageError. */
export async function readArchive(source: string, bytes: Buffer): Promise<Release> {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return pickRelease(source, await readTar(source, bytes))
  if (bytes.subarray(0, 2).toString('latin1') === 'PK') return pickRelease(source, await readZip(source, bytes))
  throw new UsageError(`${source}: is neither a .tar.gz nor a .zip archive`)
}

function readFolder(root: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  const allowance = new Allowance(root)
  const visit = (folder: string, depth: number): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      if (entry.isDirectory()) {
        allowance.addEntry(path, 0)
        if (depth < deepestFolder) visit(path, depth + 1)
      } else if (isWanted(path)) {
        if (!entry.isFile()) throw refuseLink(root, path)
        allowance.addEntry(path, statSync(join(root, path)).size)
        found.set(path, readFileSync(join(root, path)))
      }
    }
  }
  visit('', 0)
  return found
}

function readTar(source: string, bytes: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const allowance = new Allowance(source)
  return new Promise((done, fail) => {
    let failed = false
    const refuse = (error: unknown): void => {
      if (failed) return
      failed = true
      fail(
        error instanceof UsageError
          ? error
          : new UsageError(`${source}: cannot be unpacked (${(error as Error).message})`),
      )
      parser.abort(error as Error)
    }
    const parser = new (tar().Parser)({
      strict: true,
      onReadEntry: (entry) => {
        try {
          const { path, type } = entry
          checkEntryPath(source, path)
          allowance.addEntry(path, entry.size)
          const isFile = type === 'File' || type === 'OldFile' || type === 'ContiguousFile'
          if (!isFile && type !== 'Directory' && type !== 'GNUDumpDir' && isWanted(path)) throw refuseLink(source, path)
          if (!isFile || !isWanted(path)) {
            entry.resume()
            return
          }
          const chunks: Buffer[] = []
          entry.on('data', (chunk) => chunks.push(chunk))
          entry.on('end', () => found.set(path, Buffer.concat(chunks)))
        } catch (error) {
          entry.resume()
          refuse(error)
        }
      },
    })
    parser.on('error', refuse)
    parser.on('end', () => {
      if (!failed) done(found)
    })
    parser.end(bytes)
  })
}

function readZip(source: string, bytes: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const allowance = new Allowance(source)
  return new Promise((done, fail) => {
    const refuse = (error: unknown): void =>
      fail(
        error instanceof UsageError
          ? error
          : new UsageError(`${source}: cannot be unpacked (${(error as Error).message})`),
      )
    yauzl().fromBuffer(bytes, { lazyEntries: true, validateEntrySizes: true }, (openError, zip) => {
      if (openError !== null) {
        refuse(openError)
        return
      }
      zip.on('error', refuse)
      zip.on('end', () => done(found))
      zip.on('entry', (entry) => {
        try {
          const path = entry.fileName
          checkEntryPath(source, path)
          allowance.addEntry(path, entry.uncompressedSize)
          if (path.endsWith('/') || !isWanted(path)) {
            zip.readEntry()
            return
          }
          if (((entry.externalFileAttributes >>> 16) & 0xf000) === 0xa000) throw refuseLink(source, path)
          zip.openReadStream(entry, (streamError, stream) => {
            if (streamError !== null) {
              refuse(streamError)
              return
            }
            const chunks: Buffer[] = []
            stream.on('data', (chunk: Buffer) => chunks.push(chunk))
            stream.on('error', refuse)
            stream.on('end', () => {
              found.set(path, Buffer.concat(chunks))
              zip.readEntry()
            })
          })
        } catch (error) {
          refuse(error)
        }
      })
      zip.readEntry()
    })
  })
}
