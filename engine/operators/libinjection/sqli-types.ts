/**
 * The types of SQL tokens, each the code of the character that stands for it in a fingerprint, and how to read a value.
 */

/** No token. */
export const none = 0
export const keyword = 0x6b // k
export const union = 0x55 // U
export const group = 0x42 // B
export const expression = 0x45 // E
export const sqlType = 0x74 // t
export const func = 0x66 // f
export const bareword = 0x6e // n
export const number = 0x31 // 1
export const variable = 0x76 // v
export const string = 0x73 // s
export const operator = 0x6f // o
export const logic = 0x26 // &
export const comment = 0x63 // c
export const collate = 0x41 // A
export const leftParenthesis = 0x28 // (
export const rightParenthesis = 0x29 // )
export const leftBrace = 0x7b // {
export const rightBrace = 0x7d // }
export const dot = 0x2e // .
export const comma = 0x2c // ,
export const colon = 0x3a // :
export const semicolon = 0x3b // ;
export const tsql = 0x54 // T
export const unknown = 0x3f // ?
export const evil = 0x58 // X
export const backslash = 0x5c // \

/** Tokens in a fingerprint, and slots for them: one to look ahead, one for a comment that may come last. */
export const maxTokens = 5
export const slots = maxTokens + 2
export const commentSlot = maxTokens + 1

/** A token keeps so many bytes of its text. */
export const maxTokenBytes = 31

/** The quote a value is read behind, 0 for none. */
export type Quote = 0 | 0x22 | 0x27
