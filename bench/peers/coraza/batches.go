// Evaluates records in batches as they come, for runs that take turns with another engine.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"syscall"
	"time"
)

type batchTimes struct {
	Batch                 int     `json:"batch"`
	Microseconds          float64 `json:"microseconds"`
	ProcessorMicroseconds float64 `json:"processorMicroseconds"`
}

// processorTime is that of the process so far, the garbage collector's included.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// runBatches reads records up to a blank line, evaluates them, prints their results and a line with the times; and so
// on to the end of the input. The first line printed is `loaded`.
func runBatches(e *engine, phases int, loaded any, input io.Reader, to io.Writer) error {
	output := bufio.NewWriter(to)
	encoder := json.NewEncoder(output)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(loaded); err != nil {
		return err
	}
	if err := output.Flush(); err != nil {
		return err
	}
	reader := bufio.NewReaderSize(input, 1<<20)
	var records []*record
	batch := 0
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			records = append(records, readRecord(line, number))
		} else if err == nil {
			batch++
			if err := runBatch(e, phases, batch, records, encoder); err != nil {
				return err
			}
			if err := output.Flush(); err != nil {
				return err
			}
			records = nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func runBatch(e *engine, phases, batch int, records []*record, encoder *json.Encoder) error {
	results := make([]result, len(records))
	processorBefore := processorTime()
	begin := time.Now()
	for i, rec := range records {
		if rec.err != nil {
			continue
		}
		start := time.Now()
		results[i], rec.err = e.evaluate(rec, phases)
		results[i].Microseconds = microseconds(time.Since(start))
	}
	times := batchTimes{batch, microseconds(time.Since(begin)), microseconds(processorTime() - processorBefore)}
	for i, rec := range records {
		if err := printResult(encoder, rec, results[i]); err != nil {
			return err
		}
	}
	return encoder.Encode(times)
}
