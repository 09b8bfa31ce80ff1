// Replays records through Coraza, in the order in which its HTTP middleware calls it, and prints one result a
// record: the rules that logged, the status, the scores, the time.
//
// Here: the command line, the calls, the clock. Not here: reading records (records.go). What must hold: after an
// interruption no further phase runs but logging; results are in input order; a bad line is a result with
// `error`, never left out.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"
)

type score struct {
	Inbound  int `json:"inbound"`
	Outbound int `json:"outbound"`
}

type result struct {
	ID           string  `json:"id"`
	RuleIDs      []int   `json:"ruleIds"`
	Status       int     `json:"status"`
	Disruptive   bool    `json:"disruptive"`
	Score        *score  `json:"score,omitempty"`
	Microseconds float64 `json:"microseconds"`
}

// scoreNames are names in TX; the first that is set counts.
type scoreNames struct {
	inbound, outbound []string
}

// leadingInteger is 0 where there is none.
func leadingInteger(text string) int {
	text = strings.TrimLeft(text, " \t\r\n")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[end] == '-' || text[end] == '+')) {
		end++
	}
	value, _ := strconv.Atoi(text[:end])
	return value
}

// of reads the scores; nil where no names are given.
func (n scoreNames) of(tx types.Transaction) *score {
	state, ok := tx.(plugintypes.TransactionState)
	if !ok || len(n.inbound)+len(n.outbound) == 0 {
		return nil
	}
	read := func(names []string) int {
		for _, name := range names {
			if values := state.Variables().TX().Get(name); len(values) > 0 {
				return leadingInteger(values[0])
			}
		}
		return 0
	}
	return &score{read(n.inbound), read(n.outbound)}
}

type failure struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// stop notes an interruption, and whether there is one.
func (r *result) stop(interruption *types.Interruption) bool {
	if interruption == nil {
		return false
	}
	r.Disruptive = true
	if r.Status = interruption.Status; r.Status == 0 {
		r.Status = 403
	}
	return true
}

func runRequest(tx types.Transaction, rec *record, phases int, out *result) error {
	request := rec.Request
	tx.ProcessConnection(rec.Client.IP, rec.Client.Port, rec.Server.IP, rec.Server.Port)
	tx.ProcessURI(request.URI, request.Method, request.protocol())
	for _, header := range request.Headers {
		tx.AddRequestHeader(header[0], header[1])
		if strings.EqualFold(header[0], "host") {
			tx.SetServerName(hostName(header[1]))
		}
	}
	if out.stop(tx.ProcessRequestHeaders()) || phases < 2 {
		return nil
	}
	if tx.IsRequestBodyAccessible() && len(request.bodyBytes) > 0 {
		interruption, _, err := tx.WriteRequestBody(request.bodyBytes)
		if err != nil || out.stop(interruption) {
			return err
		}
	}
	interruption, err := tx.ProcessRequestBody()
	out.stop(interruption)
	return err
}

func runResponse(tx types.Transaction, rec *record, phases int, out *result) error {
	if phases < 3 {
		return nil
	}
	for _, header := range rec.Response.Headers {
		tx.AddResponseHeader(header[0], header[1])
	}
	protocol := "HTTP/" + rec.Request.HTTPVersion
	if out.stop(tx.ProcessResponseHeaders(rec.Response.Status, protocol)) || phases < 4 {
		return nil
	}
	if tx.IsResponseBodyAccessible() && tx.IsResponseBodyProcessable() && len(rec.Response.bodyBytes) > 0 {
		interruption, _, err := tx.WriteResponseBody(rec.Response.bodyBytes)
		if err != nil || out.stop(interruption) {
			return err
		}
	}
	interruption, err := tx.ProcessResponseBody()
	out.stop(interruption)
	return err
}

// hostName is the Host header without its port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// engine is a WAF and the result that rules which log are noted in.
type engine struct {
	waf     coraza.WAF
	current *result
	names   scoreNames
}

// noteRule is called for every rule that logs; a rule is noted once, where it first matched.
func (e *engine) noteRule(rule types.MatchedRule) {
	if id := rule.Rule().ID(); !slices.Contains(e.current.RuleIDs, id) {
		e.current.RuleIDs = append(e.current.RuleIDs, id)
	}
}

func (e *engine) evaluate(rec *record, phases int) (result, error) {
	out := result{ID: rec.ID, RuleIDs: []int{}, Status: 200}
	e.current = &out
	tx := e.waf.NewTransaction()
	err := runRequest(tx, rec, phases, &out)
	if err == nil && !out.Disruptive && rec.Response != nil {
		out.Status = rec.Response.Status
		err = runResponse(tx, rec, phases, &out)
	}
	tx.ProcessLogging()
	out.Score = e.names.of(tx)
	if closed := tx.Close(); err == nil {
		err = closed
	}
	return out, err
}

func load(files []string, names scoreNames) (*engine, error) {
	e := &engine{current: &result{}, names: names}
	config := coraza.NewWAFConfig().WithErrorCallback(e.noteRule)
	for _, file := range files {
		// Data files are looked up beside the rule file, and a relative path has no folder to look in.
		path, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		config = config.WithDirectivesFromFile(path)
	}
	waf, err := coraza.NewWAF(config)
	e.waf = waf
	return e, err
}

func readRecords(input io.Reader) ([]*record, error) {
	var records []*record
	reader := bufio.NewReaderSize(input, 1<<20)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			records = append(records, readRecord(line, number))
		}
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/corazawaf/coraza/v3" {
				return "Coraza " + module.Version
			}
		}
	}
	return "Coraza"
}

func printResult(encoder *json.Encoder, rec *record, out result) error {
	if rec.err != nil {
		return encoder.Encode(failure{ID: rec.ID, Error: rec.err.Error()})
	}
	return encoder.Encode(out)
}

func fail(message any) {
	fmt.Fprintf(os.Stderr, "coraza-peer: %v\n", message)
	os.Exit(2)
}

func microseconds(duration time.Duration) float64 {
	return float64(duration.Nanoseconds()) / 1000
}

func main() {
	phases := flag.Int("phases", 4, "the last phase to run, 1 to 5 (logging always runs)")
	repeat := flag.Int("repeat", 1, "how often to replay all records")
	timed := flag.Bool("time", false, "print the time of loading and of each pass on standard error")
	batched := flag.Bool("batches", false, "evaluate at every blank line what has come so far, and print its results")
	var names scoreNames
	list := func(into *[]string) func(string) error {
		return func(text string) error { *into = strings.Split(text, ","); return nil }
	}
	flag.Func("inbound", "`names` in TX that may hold the inbound score", list(&names.inbound))
	flag.Func("outbound", "`names` in TX that may hold the outbound score", list(&names.outbound))
	flag.Parse()
	if flag.NArg() == 0 || *repeat < 1 || *phases < 1 || *phases > 5 {
		fail("usage: coraza-peer [--phases 1..5] [--repeat N] [--time] [--batches] [--inbound NAMES] [--outbound NAMES] RULEFILE... < records.ndjson")
	}
	note := func(line map[string]any) {
		if *timed {
			text, _ := json.Marshal(line)
			fmt.Fprintf(os.Stderr, "%s\n", text)
		}
	}

	start := time.Now()
	e, err := load(flag.Args(), names)
	if err != nil {
		fail(err)
	}
	loaded := map[string]any{"engine": version(), "loadMicroseconds": microseconds(time.Since(start))}
	note(loaded)
	if *batched {
		if err := runBatches(e, *phases, loaded, os.Stdin, os.Stdout); err != nil {
			fail(err)
		}
		return
	}
	records, err := readRecords(os.Stdin)
	if err != nil {
		fail(err)
	}

	results := make([]result, len(records))
	times := make([][]float64, len(records))
	for pass := 1; pass <= *repeat; pass++ {
		var total float64
		evaluated := 0
		for i, rec := range records {
			if rec.err != nil {
				continue
			}
			begin := time.Now()
			results[i], rec.err = e.evaluate(rec, *phases)
			taken := microseconds(time.Since(begin))
			times[i] = append(times[i], taken)
			total += taken
			evaluated++
		}
		note(map[string]any{"pass": pass, "transactions": evaluated, "microseconds": total})
	}

	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	encoder.SetEscapeHTML(false)
	for i, rec := range records {
		if rec.err == nil {
			results[i].Microseconds = median(times[i])
		}
		if err := printResult(encoder, rec, results[i]); err != nil {
			fail(err)
		}
	}
}
