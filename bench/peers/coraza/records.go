// Records (one JSON object a line, see docs/formats.md) as the bytes that Coraza is given.
//
// Here: reading a record. Not here: anything about rules or transactions. What must hold: uri and headers are
// Latin-1 code points, one byte each (a code point above U+00FF stands for its UTF-8 bytes); a body is UTF-8
// text or base64; nothing is added that the record does not hold, not even a Content-Length.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

type address struct {
	IP   string `json:"ip"`
	Port int    `json:"port"`
}

type message struct {
	Method      string      `json:"method"`
	URI         string      `json:"uri"`
	HTTPVersion string      `json:"httpVersion"`
	Line        string      `json:"line"`
	Status      int         `json:"status"`
	Headers     [][2]string `json:"headers"`
	Body        *string     `json:"body"`
	BodyBase64  *string     `json:"bodyBase64"`

	bodyBytes []byte
}

type record struct {
	ID       string   `json:"id"`
	Client   *address `json:"client"`
	Server   *address `json:"server"`
	Request  *message `json:"request"`
	Response *message `json:"response"`

	// Not nil: the line could not be read, and this says why.
	err error
}

// One byte for each code point up to U+00FF; the UTF-8 bytes of any above.
func latin1Bytes(text string) string {
	out := make([]byte, 0, len(text))
	for _, point := range text {
		if point <= 0xFF {
			out = append(out, byte(point))
		} else {
			out = utf8.AppendRune(out, point)
		}
	}
	return string(out)
}

// Characters outside both base64 alphabets are passed over; the first '=' ends the data.
func base64Bytes(text string) ([]byte, error) {
	if end := strings.IndexByte(text, '='); end >= 0 {
		text = text[:end]
	}
	kept := strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		case r == '+' || r == '/' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z':
			return r
		}
		return -1
	}, text)
	if len(kept)%4 == 1 {
		kept = kept[:len(kept)-1]
	}
	return base64.RawStdEncoding.DecodeString(kept)
}

// The third word of the raw request line where the record keeps one; a line without a third word, and an empty
// version, are HTTP/0.9.
func (m *message) protocol() string {
	if m.Line == "" && m.HTTPVersion != "" {
		return "HTTP/" + m.HTTPVersion
	}
	first, last := strings.IndexByte(m.Line, ' '), strings.LastIndexByte(m.Line, ' ')
	if first == last || last+1 == len(m.Line) {
		return "HTTP/0.9"
	}
	return m.Line[last+1:]
}

func (m *message) decode() error {
	m.Method, m.URI = latin1Bytes(m.Method), latin1Bytes(m.URI)
	m.Line = latin1Bytes(m.Line)
	for i := range m.Headers {
		m.Headers[i] = [2]string{latin1Bytes(m.Headers[i][0]), latin1Bytes(m.Headers[i][1])}
	}
	var err error
	if m.Body != nil {
		m.bodyBytes = []byte(*m.Body)
	} else if m.BodyBase64 != nil {
		m.bodyBytes, err = base64Bytes(*m.BodyBase64)
	}
	return err
}

// Never fails: what cannot be read is a record with `err`.
func readRecord(line []byte, number int) *record {
	r := &record{ID: fmt.Sprintf("line-%d", number), Request: &message{HTTPVersion: "1.1"}}
	if r.err = json.Unmarshal(line, r); r.err != nil {
		return r
	}
	if r.Request == nil || r.Request.Method == "" || r.Request.URI == "" {
		r.err = fmt.Errorf("no request with a method and a uri")
		return r
	}
	if r.err = r.Request.decode(); r.err == nil && r.Response != nil {
		if r.Response.Status == 0 {
			r.Response.Status = 200
		}
		r.err = r.Response.decode()
	}
	if r.Client == nil {
		r.Client = &address{IP: "127.0.0.1", Port: 40000}
	}
	if r.Server == nil {
		r.Server = &address{IP: "127.0.0.1", Port: 80}
	}
	return r
}
