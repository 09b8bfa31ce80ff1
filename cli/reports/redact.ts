/**
 * Masks what came out of a capture, for reports that leave the machine.
 *
 * Letters become `x`, digits `0`; other characters stay, because they are what rules match on, and lengths
 * stay, because limits do.
 */
export function maskValue(text: string): string {
  return text.replace(/[A-Za-z\x80-\xff]/g, 'x').replace(/[0-9]/g, '0')
}
