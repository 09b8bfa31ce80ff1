// Asks Coraza's libinjection about values, with the protocol of ../libinjection/main.cc.
//
// Requests on standard input: one byte what is asked, four bytes little-endian length n, n bytes value.
//
//	s  SQL injection?  answer: fingerprint, or empty        x  cross-site scripting?  answer: one byte 0 or 1
//	t  one byte s or x, then values, each four bytes of length and as many bytes: the nanoseconds that asking about
//	   all of them took, in decimal digits, the least of several passes
//	w  word, looked up in the table: its type char, or NUL
//	f  "0" + fingerprint in upper case: 1 where it is in the table, else 0
//	C  the fingerprints a value folds to as it is, behind ' and behind ", each as ANSI SQL and as MySQL; with commas
//	.  no question and no answer: what is answered so far is written out
//
// Answers on standard output, in order: one byte length, that many bytes.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/corazawaf/libinjection-go"
)

const (
	bufferBytes = 1 << 20
	timedPasses = 7
)

// The library's own tables and steps; it exports only verdicts.

//go:linkname sqlKeywords github.com/corazawaf/libinjection-go.sqlKeywords
var sqlKeywords map[string]byte

//go:linkname sqliStatePool github.com/corazawaf/libinjection-go.sqliStatePool
var sqliStatePool sync.Pool

//go:linkname sqliInit github.com/corazawaf/libinjection-go.sqliInit
func sqliInit(state unsafe.Pointer, input string, flags int)

//go:linkname sqliFingerprint github.com/corazawaf/libinjection-go.(*sqliState).sqliFingerprint
func sqliFingerprint(state unsafe.Pointer, flags int) string

// Quote contexts (1 none, 2 single, 4 double) with a dialect (8 ANSI, 16 MySQL).
var contexts = [...]int{1 | 8, 1 | 16, 2 | 8, 2 | 16, 4 | 8, 4 | 16}

func main() {
	if err := serve(bufio.NewReaderSize(os.Stdin, bufferBytes), bufio.NewWriterSize(os.Stdout, bufferBytes)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func serve(in *bufio.Reader, out *bufio.Writer) error {
	for {
		kind, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return err
		}
		value := make([]byte, binary.LittleEndian.Uint32(size[:]))
		if _, err := io.ReadFull(in, value); err != nil {
			return err
		}
		switch kind {
		case 's':
			found, fingerprint := libinjection.IsSQLi(string(value))
			if !found {
				fingerprint = ""
			}
			answer(out, fingerprint)
		case 'x':
			if libinjection.IsXSS(string(value)) {
				answer(out, "\x01")
			} else {
				answer(out, "\x00")
			}
		case 't':
			if len(value) == 0 {
				return errors.New("a request t says what is asked")
			}
			answer(out, strconv.FormatInt(leastTime(value).Nanoseconds(), 10))
		case 'w':
			answer(out, string([]byte{sqlKeywords[strings.ToUpper(string(value))]}))
		case 'f':
			if sqlKeywords[string(value)] == 'F' {
				answer(out, "\x01")
			} else {
				answer(out, "\x00")
			}
		case 'C':
			answer(out, inContexts(string(value)))
		case '.':
			if err := out.Flush(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unknown request %d", kind)
		}
	}
}

// leastTime is the least time of several passes over the values packed in a request.
func leastTime(packed []byte) time.Duration {
	ask := func(value string) { libinjection.IsXSS(value) }
	if packed[0] == 's' {
		ask = func(value string) { libinjection.IsSQLi(value) }
	}
	var values []string
	for rest := packed[1:]; len(rest) >= 4; {
		length := int(binary.LittleEndian.Uint32(rest))
		if length > len(rest)-4 {
			break
		}
		values = append(values, string(rest[4:4+length]))
		rest = rest[4+length:]
	}
	least := time.Duration(1<<63 - 1)
	for range timedPasses {
		start := time.Now()
		for _, value := range values {
			ask(value)
		}
		least = min(least, time.Since(start))
	}
	return least
}

// inContexts folds a value in every context. The state is the library's own; its layout is none of ours.
func inContexts(value string) string {
	state := sqliStatePool.Get()
	defer sqliStatePool.Put(state)
	pointer := (*[2]unsafe.Pointer)(unsafe.Pointer(&state))[1]
	var all strings.Builder
	for _, flags := range contexts {
		sqliInit(pointer, value, 0)
		all.WriteString(sqliFingerprint(pointer, flags))
		all.WriteByte(',')
	}
	return all.String()
}

// answer writes one answer; errors stay in the writer and come out of Flush.
func answer(out *bufio.Writer, text string) {
	out.WriteByte(byte(len(text)))
	out.WriteString(text)
}
