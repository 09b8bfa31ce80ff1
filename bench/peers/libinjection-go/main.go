// Asks Coraza's libinjection about values, with the protocol of ../libinjection/main.cc.
//
// Requests on standard input: one byte what is asked, four bytes little-endian length n, n bytes value.
//
//	s  SQL injection?  answer: fingerprint, or empty        x  cross-site scripting?  answer: one byte 0 or 1
//	t  one byte s or x, then values, each four bytes of length and as many bytes: the nanoseconds that asking about
//	   all of them took, in decimal digits, the least of several passes
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
	"time"

	"github.com/corazawaf/libinjection-go"
)

const (
	bufferBytes = 1 << 20
	timedPasses = 7
)

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

// answer writes one answer; errors stay in the writer and come out of Flush.
func answer(out *bufio.Writer, text string) {
	out.WriteByte(byte(len(text)))
	out.WriteString(text)
}
