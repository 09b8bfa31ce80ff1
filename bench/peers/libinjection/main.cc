// Asks the libinjection inside a real engine's shared library about values: the oracle for our own detectors.
//
// Usage: libinjection-peer [LIBRARY]     (default libmodsecurity.so.3; ModSecurity 2's mod_security2.so works too)
// Requests on standard input: one byte what is asked, four bytes little-endian length n, n bytes value.
//   s  SQL injection?  answer: fingerprint, or empty        x  cross-site scripting?  answer: one byte 0 or 1
//   w  word, looked up as the tokeniser does: its type char, or NUL
//   f  "0" + fingerprint in upper case: 1 where it is in the table, else 0
//   F  one byte of flags, then a value: the fingerprint it folds to with these flags (quote context, dialect)
//   C  the fingerprints a value folds to as it is, behind ' and behind ", each as ANSI SQL and as MySQL; with commas
//   X  one byte of context (0 data, 1 no quote, 2 single, 3 double, 4 back quote), then a value: 0 or 1
//   t  one byte s or x, then values, each four bytes of length and as many bytes: the nanoseconds that asking about
//      all of them took, in decimal digits, the least of several passes
//   .  no question and no answer: what is answered so far is written out
// Answers on standard output, in order: one byte length, that many bytes.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

// Objects of the httpd program that mod_security2.so must find when it is opened; nothing that is asked here uses them.
extern "C" {
char core_module[4096];
void *ap_server_config_defines = nullptr;
}

namespace {

using SqliFn = int (*)(const char *, size_t, char *);
using XssFn = int (*)(const char *, size_t);
using XssContextFn = int (*)(const char *, size_t, int);
using InitFn = void (*)(void *, const char *, size_t, int);
using FingerprintFn = const char *(*)(void *, int);
using LookupFn = char (*)(void *, int, const char *, size_t);

// What the tokeniser asks the table for.
constexpr int kLookupWord = 1;
// Larger than the library's state, whose layout is its own business.
constexpr size_t kStateBytes = 4096;
// Quote contexts (1 none, 2 single, 4 double) with a dialect (8 ANSI, 16 MySQL).
constexpr int kContexts[] = {1 | 8, 1 | 16, 2 | 8, 2 | 16, 4 | 8, 4 | 16};

template <typename Fn>
Fn symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (found == nullptr) {
    std::fprintf(stderr, "the library has no symbol %s\n", name);
    std::exit(2);
  }
  return reinterpret_cast<Fn>(found);
}

bool readExactly(void *target, size_t bytes) { return std::fread(target, 1, bytes, stdin) == bytes; }

uint32_t lengthAt(const char *at) {
  const auto *bytes = reinterpret_cast<const unsigned char *>(at);
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

constexpr int kTimedPasses = 7;

// The least time of several passes over the values packed in a request.
template <typename Ask>
std::string leastNanoseconds(const std::string &packed, Ask ask) {
  auto least = std::chrono::nanoseconds::max();
  for (int pass = 0; pass < kTimedPasses; pass++) {
    const auto start = std::chrono::steady_clock::now();
    for (size_t at = 1; at + 4 <= packed.size();) {
      const uint32_t length = lengthAt(&packed[at]);
      if (length > packed.size() - at - 4) break;
      ask(packed.data() + at + 4, length);
      at += 4 + length;
    }
    least = std::min(least, std::chrono::nanoseconds(std::chrono::steady_clock::now() - start));
  }
  return std::to_string(least.count());
}

void answer(const char *text, size_t length) {
  std::fputc(static_cast<int>(length), stdout);
  std::fwrite(text, 1, length, stdout);
}

}  // namespace

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "libmodsecurity.so.3";
  void *library = dlopen(path, RTLD_LAZY);
  if (library == nullptr) {
    std::fprintf(stderr, "cannot load %s: %s\n", path, dlerror());
    return 2;
  }
  const auto sqli = symbol<SqliFn>(library, "libinjection_sqli");
  const auto xss = symbol<XssFn>(library, "libinjection_xss");
  const auto xssIn = symbol<XssContextFn>(library, "libinjection_is_xss");
  const auto init = symbol<InitFn>(library, "libinjection_sqli_init");
  const auto fingerprint = symbol<FingerprintFn>(library, "libinjection_sqli_fingerprint");
  const auto lookup = symbol<LookupFn>(library, "libinjection_sqli_lookup_word");
  // The lookup of fingerprints goes through the same table, with a key that begins with 0.
  std::vector<char> state(kStateBytes);
  std::string value;
  for (char kind; readExactly(&kind, 1);) {
    unsigned char size[4];
    if (!readExactly(size, 4)) break;
    value.resize(lengthAt(reinterpret_cast<const char *>(size)));
    if (!value.empty() && !readExactly(value.data(), value.size())) break;
    char found[16] = {};
    switch (kind) {
      case 's':
        if (sqli(value.data(), value.size(), found) == 0) found[0] = '\0';
        answer(found, std::strlen(found));
        break;
      case 'x':
        found[0] = static_cast<char>(xss(value.data(), value.size()) != 0);
        answer(found, 1);
        break;
      case 'w':
        found[0] = lookup(state.data(), kLookupWord, value.data(), value.size());
        answer(found, 1);
        break;
      case 'f':
        found[0] = static_cast<char>(lookup(state.data(), kLookupWord, value.data(), value.size()) == 'F');
        answer(found, 1);
        break;
      case 'F': {
        if (value.empty()) return 2;
        std::memset(state.data(), 0, state.size());
        init(state.data(), value.data() + 1, value.size() - 1, 0);
        const char *text = fingerprint(state.data(), static_cast<unsigned char>(value[0]));
        answer(text, std::strlen(text));
        break;
      }
      case 'C': {
        std::string all;
        for (const int flags : kContexts) {
          std::memset(state.data(), 0, state.size());
          init(state.data(), value.data(), value.size(), 0);
          all += std::string(fingerprint(state.data(), flags)) + ',';
        }
        answer(all.data(), all.size());
        break;
      }
      case 'X':
        if (value.empty()) return 2;
        found[0] = static_cast<char>(xssIn(value.data() + 1, value.size() - 1, value[0]) != 0);
        answer(found, 1);
        break;
      case 't': {
        if (value.empty()) return 2;
        const std::string spent =
            value[0] == 's'
                ? leastNanoseconds(value, [&](const char *text, size_t length) { sqli(text, length, found); })
                : leastNanoseconds(value, [&](const char *text, size_t length) { xss(text, length); });
        answer(spent.data(), spent.size());
        break;
      }
      case '.':
        std::fflush(stdout);
        break;
      default:
        std::fprintf(stderr, "unknown request %d\n", kind);
        return 2;
    }
  }
  return 0;
}
