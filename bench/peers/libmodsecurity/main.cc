// Replays records through libmodsecurity 3, in the order in which the nginx connector calls it, and prints one
// result a record: the rules that logged, the status, the scores, the time.
//
// Here: the command line, the calls, the clock. Not here: reading records (records.h). What must hold: after an
// intervention no further phase runs but logging; results are in input order; a bad line is a result with
// `error`, never left out.
#include <modsecurity/modsecurity.h>
#include <modsecurity/rule_message.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "records.h"

namespace {

struct Result {
  std::vector<int> ruleIds;
  int status = 200;
  bool disruptive = false;
  int inbound = 0;
  int outbound = 0;
};

struct Options {
  int phases = 4;
  int repeat = 1;
  bool time = false;
  bool batches = false;
  // Names in TX, the first that is set counts; scores are printed where there are any.
  std::vector<std::string> inbound;
  std::vector<std::string> outbound;
  std::vector<std::string> files;
};

// A rule is noted once, where it first matched.
void noteId(Result &result, int id) {
  auto &ids = result.ruleIds;
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

// The engine calls this for every rule that logs, except one that interrupts.
void noteRule(void *data, const void *message) {
  noteId(*static_cast<Result *>(data), static_cast<const modsecurity::RuleMessage *>(message)->m_ruleId);
}

// Whether the engine asks to stop here. The rule that asks is in no log callback: the connector logs it.
bool intervenes(modsecurity::Transaction &transaction, Result &result) {
  modsecurity::ModSecurityIntervention intervention;
  modsecurity::intervention::clean(&intervention);
  const bool disruptive = transaction.intervention(&intervention);
  if (disruptive) {
    result.disruptive = true;
    result.status = intervention.status;
    for (const auto &message : transaction.m_rulesMessages)
      if (message.m_isDisruptive) noteId(result, message.m_ruleId);
  }
  modsecurity::intervention::free(&intervention);
  return disruptive;
}

const unsigned char *bytes(const std::string &text) {
  return reinterpret_cast<const unsigned char *>(text.data());
}

void runRequest(modsecurity::Transaction &transaction, const Record &record, int phases, Result &result) {
  transaction.processConnection(record.clientIp.c_str(), record.clientPort, record.serverIp.c_str(),
                                record.serverPort);
  if (intervenes(transaction, result)) return;
  transaction.processURI(record.uri.c_str(), record.method.c_str(), record.httpVersion.c_str());
  if (intervenes(transaction, result)) return;
  for (const auto &[name, value] : record.request.headers)
    transaction.addRequestHeader(bytes(name), name.size(), bytes(value), value.size());
  transaction.processRequestHeaders();
  if (intervenes(transaction, result) || phases < 2) return;
  if (!record.request.body.empty()) {
    transaction.appendRequestBody(bytes(record.request.body), record.request.body.size());
    if (intervenes(transaction, result)) return;
  }
  transaction.processRequestBody();
  intervenes(transaction, result);
}

void runResponse(modsecurity::Transaction &transaction, const Record &record, int phases, Result &result) {
  if (phases < 3) return;
  for (const auto &[name, value] : record.response.headers)
    transaction.addResponseHeader(bytes(name), name.size(), bytes(value), value.size());
  transaction.processResponseHeaders(record.status, "HTTP " + record.httpVersion);
  if (intervenes(transaction, result) || phases < 4) return;
  if (!record.response.body.empty()) {
    transaction.appendResponseBody(bytes(record.response.body), record.response.body.size());
    if (intervenes(transaction, result)) return;
  }
  transaction.processResponseBody();
  intervenes(transaction, result);
}

int scoreOf(const modsecurity::Transaction &transaction, const std::vector<std::string> &names) {
  for (const auto &name : names)
    if (const auto value = transaction.m_collections.m_tx_collection->resolveFirst(name))
      return std::atoi(value->c_str());
  return 0;
}

Result evaluate(modsecurity::ModSecurity &engine, modsecurity::RulesSet &rules, const Record &record,
                const Options &options) {
  Result result;
  modsecurity::Transaction transaction(&engine, &rules, &result);
  runRequest(transaction, record, options.phases, result);
  if (!result.disruptive && record.hasResponse) {
    result.status = record.status;
    runResponse(transaction, record, options.phases, result);
  }
  transaction.processLogging();
  result.inbound = scoreOf(transaction, options.inbound);
  result.outbound = scoreOf(transaction, options.outbound);
  return result;
}

int fail(const std::string &message) {
  std::cerr << "libmodsecurity-peer: " << message << "\n";
  return 2;
}

std::vector<std::string> namesIn(const std::string &list) {
  std::vector<std::string> names;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ',');) names.push_back(name);
  return names;
}

bool readOptions(int count, char **words, Options &options) {
  for (int at = 1; at < count; at++) {
    const std::string word = words[at];
    if (word == "--time") options.time = true;
    else if (word == "--batches") options.batches = true;
    else if ((word == "--phases" || word == "--repeat") && at + 1 < count)
      (word == "--phases" ? options.phases : options.repeat) = std::atoi(words[++at]);
    else if ((word == "--inbound" || word == "--outbound") && at + 1 < count)
      (word == "--inbound" ? options.inbound : options.outbound) = namesIn(words[++at]);
    else if (word.rfind("--", 0) == 0) return false;
    else options.files.push_back(word);
  }
  return !options.files.empty() && options.repeat >= 1 && options.phases >= 1 && options.phases <= 5;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void printResult(const Record &record, const Result &result, double microseconds, const Options &options) {
  nlohmann::ordered_json out{{"id", record.id}};
  if (record.error.empty()) {
    out["ruleIds"] = result.ruleIds;
    out["status"] = result.status;
    out["disruptive"] = result.disruptive;
    if (!options.inbound.empty() || !options.outbound.empty())
      out["score"] = {{"inbound", result.inbound}, {"outbound", result.outbound}};
    out["microseconds"] = microseconds;
  } else {
    out["error"] = record.error;
  }
  std::cout << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

using WallClock = std::chrono::steady_clock;

double microseconds(WallClock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

// Processor time of the process so far.
double processorMicroseconds() { return std::clock() * (1e6 / CLOCKS_PER_SEC); }

bool isBlank(const std::string &line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

// Reads records up to a blank line or the end, evaluates them, prints their results and a line with the times; and so
// on to the end of the input.
void runBatches(modsecurity::ModSecurity &engine, modsecurity::RulesSet &rules, const Options &options) {
  std::vector<Record> records;
  size_t number = 1;
  int batch = 0;
  for (std::string line; std::getline(std::cin, line); number++) {
    if (!isBlank(line)) {
      records.push_back(readRecord(line, number));
      continue;
    }
    std::vector<Result> results(records.size());
    std::vector<double> times(records.size());
    const double processorBefore = processorMicroseconds();
    const auto begin = WallClock::now();
    for (size_t at = 0; at < records.size(); at++) {
      if (!records[at].error.empty()) continue;
      const auto start = WallClock::now();
      results[at] = evaluate(engine, rules, records[at], options);
      times[at] = microseconds(WallClock::now() - start);
    }
    const double total = microseconds(WallClock::now() - begin);
    const double processor = processorMicroseconds() - processorBefore;
    for (size_t at = 0; at < records.size(); at++) printResult(records[at], results[at], times[at], options);
    std::cout << nlohmann::ordered_json{{"batch", ++batch}, {"microseconds", total}, {"processorMicroseconds", processor}}
              << std::endl;
    records.clear();
  }
}

}  // namespace

int main(int count, char **words) {
  Options options;
  if (!readOptions(count, words, options))
    return fail("usage: libmodsecurity-peer [--phases 1..5] [--repeat N] [--time] [--batches] [--inbound NAMES] "
                "[--outbound NAMES] RULEFILE... < records.ndjson");

  const auto start = WallClock::now();
  modsecurity::ModSecurity engine;
  engine.setConnectorInformation("wafsim-peer");
  engine.setServerLogCb(noteRule, modsecurity::RuleMessageLogProperty);
  modsecurity::RulesSet rules;
  for (const auto &file : options.files)
    if (rules.loadFromUri(file.c_str()) < 0) return fail(file + ": " + rules.getParserError());
  const nlohmann::json loaded{{"engine", engine.whoAmI()}, {"loadMicroseconds", microseconds(WallClock::now() - start)}};
  if (options.time) std::cerr << loaded << "\n";

  std::ios::sync_with_stdio(false);
  if (options.batches) {
    std::cout << loaded << std::endl;
    runBatches(engine, rules, options);
    return 0;
  }
  std::vector<Record> records;
  std::string line;
  for (size_t number = 1; std::getline(std::cin, line); number++)
    if (!isBlank(line)) records.push_back(readRecord(line, number));

  std::vector<Result> results(records.size());
  std::vector<std::vector<double>> times(records.size());
  for (int pass = 1; pass <= options.repeat; pass++) {
    double total = 0;
    size_t evaluated = 0;
    for (size_t at = 0; at < records.size(); at++) {
      if (!records[at].error.empty()) continue;
      const auto begin = WallClock::now();
      results[at] = evaluate(engine, rules, records[at], options);
      const double taken = microseconds(WallClock::now() - begin);
      times[at].push_back(taken);
      total += taken;
      evaluated++;
    }
    if (options.time)
      std::cerr << nlohmann::json{{"pass", pass}, {"transactions", evaluated}, {"microseconds", total}} << "\n";
  }

  for (size_t at = 0; at < records.size(); at++)
    printResult(records[at], results[at], times[at].empty() ? 0 : median(times[at]), options);
  return 0;
}
