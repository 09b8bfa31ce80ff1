// Records (one JSON object a line, see docs/formats.md) as the bytes that libmodsecurity is given.
//
// Here: reading a record. Not here: anything about rules or transactions. What must hold: uri and headers are
// Latin-1 code points, one byte each (a code point above U+00FF stands for its UTF-8 bytes); a body is UTF-8
// text or base64; nothing is added that the record does not hold, not even a Content-Length.
#pragma once

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

struct Message {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool hasBody = false;
};

struct Record {
  std::string id;
  std::string clientIp = "127.0.0.1";
  int clientPort = 40000;
  std::string serverIp = "127.0.0.1";
  int serverPort = 80;
  std::string method;
  std::string uri;
  std::string httpVersion = "1.1";
  Message request;
  bool hasResponse = false;
  int status = 200;
  Message response;
  // Not empty: the line could not be read, and this says why.
  std::string error;
};

// One byte for each code point up to U+00FF; the UTF-8 bytes of any above.
inline std::string latin1Bytes(const std::string &utf8) {
  std::string bytes;
  bytes.reserve(utf8.size());
  for (size_t at = 0; at < utf8.size(); at++) {
    const unsigned char lead = utf8[at];
    if ((lead == 0xC2 || lead == 0xC3) && at + 1 < utf8.size()) {
      bytes.push_back(static_cast<char>(((lead & 0x03) << 6) | (utf8[++at] & 0x3F)));
    } else {
      bytes.push_back(utf8[at]);
    }
  }
  return bytes;
}

// Characters outside both base64 alphabets are passed over; the first '=' ends the data.
inline std::string base64Bytes(const std::string &text) {
  std::string bytes;
  unsigned int bits = 0;
  int held = 0;
  for (const char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    else if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    else if (c >= '0' && c <= '9') value = c - '0' + 52;
    else if (c == '+' || c == '-') value = 62;
    else if (c == '/' || c == '_') value = 63;
    else if (c == '=') break;
    if (value < 0) continue;
    bits = (bits << 6) | static_cast<unsigned int>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<char>((bits >> held) & 0xFF));
    }
  }
  return bytes;
}

// The parser refuses the escape of half a surrogate pair; other readers of records take it as U+FFFD.
inline std::string withoutLoneSurrogates(std::string line) {
  const auto unitAt = [&line](size_t at) -> int {
    if (at + 6 > line.size() || line[at] != '\\' || line[at + 1] != 'u') return -1;
    try {
      return std::stoi(line.substr(at + 2, 4), nullptr, 16);
    } catch (const std::exception &) {
      return -1;
    }
  };
  for (size_t at = 0; at + 1 < line.size(); at++) {
    if (line[at] != '\\') continue;
    const int unit = unitAt(at);
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      const int next = unitAt(at + 6);
      if (next >= 0xDC00 && next <= 0xDFFF) at += 11;
      else line.replace(at, 6, "\\ufffd"), at += 5;
    } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
      line.replace(at, 6, "\\ufffd");
      at += 5;
    } else {
      at++;
    }
  }
  return line;
}

inline Message readMessage(const nlohmann::json &from) {
  Message message;
  if (from.contains("headers"))
    for (const auto &header : from.at("headers"))
      message.headers.emplace_back(latin1Bytes(header.at(0).get<std::string>()),
                                   latin1Bytes(header.at(1).get<std::string>()));
  if (from.contains("body")) {
    message.body = from.at("body").get<std::string>();
    message.hasBody = true;
  } else if (from.contains("bodyBase64")) {
    message.body = base64Bytes(from.at("bodyBase64").get<std::string>());
    message.hasBody = true;
  }
  return message;
}

// Never throws: what cannot be read is a record with `error`.
inline Record readRecord(const std::string &line, size_t lineNumber) {
  Record record;
  record.id = "line-" + std::to_string(lineNumber);
  try {
    auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_discarded()) json = nlohmann::json::parse(withoutLoneSurrogates(line));
    if (json.contains("id")) record.id = json.at("id").get<std::string>();
    if (json.contains("client")) {
      record.clientIp = json.at("client").value("ip", record.clientIp);
      record.clientPort = json.at("client").value("port", record.clientPort);
    }
    if (json.contains("server")) {
      record.serverIp = json.at("server").value("ip", record.serverIp);
      record.serverPort = json.at("server").value("port", record.serverPort);
    }
    const auto &request = json.at("request");
    record.method = latin1Bytes(request.at("method").get<std::string>());
    record.uri = latin1Bytes(request.at("uri").get<std::string>());
    record.httpVersion = request.value("httpVersion", record.httpVersion);
    // The nginx connector names what has no version HTTP/0.9.
    if (record.httpVersion.empty()) record.httpVersion = "0.9";
    record.request = readMessage(request);
    if (json.contains("response") && !json.at("response").is_null()) {
      record.hasResponse = true;
      record.status = json.at("response").value("status", 200);
      record.response = readMessage(json.at("response"));
    }
  } catch (const std::exception &error) {
    record.error = error.what();
  }
  return record;
}
