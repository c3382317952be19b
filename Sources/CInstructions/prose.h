#pragma once
// The inside of long JSON strings that are only counted: text with UTF-8 and escapes in it, 64 bytes
// at a time. The portable twin answers the same a byte at a time, except that the wide code may stop
// early, before anything that it would have to look at closely.
#include "scan.h"
#include <stdbool.h>
#include <string.h>

// How many bytes were passed over, and how many escapes of two bytes were among them.
typedef struct {
  size_t passed;
  size_t escapes;
} tollgate_prose;

// What may stand behind a backslash, `\u` apart (RFC 8259, 7).
static inline int tollgate_is_simple_escape(uint8_t c) {
  return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
         c == 't';
}

// Plain ASCII, whole well-formed UTF-8 sequences and whole escapes of two bytes.
static inline tollgate_prose tollgate_prose_run_portable(const uint8_t *p, size_t n) {
  tollgate_prose run = {0, 0};
  for (;;) {
    run.passed += tollgate_text_run(p + run.passed, n - run.passed);
    if (n - run.passed < 2 || p[run.passed] != '\\') return run;
    if (!tollgate_is_simple_escape(p[run.passed + 1])) return run;
    run.passed += 2;
    run.escapes += 1;
  }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define TOLLGATE_AVX2 __attribute__((target("avx2,popcnt"))) static inline

// True when CPU and system have what tollgate_prose_run_wide uses: AVX2, its registers kept by the
// system, and POPCNT.
static inline bool tollgate_prose_supported(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  if (!(c & (1u << 23)) || !(c & (1u << 27)) || !(c & (1u << 28))) return false;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6) != 6) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  return (b & (1u << 5)) != 0;
}

// A bit for every byte of two vectors whose highest bit is set.
TOLLGATE_AVX2 uint64_t tollgate_mask64(__m256i a, __m256i b) {
  return (uint64_t)(uint32_t)_mm256_movemask_epi8(a) |
         (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
}

// The same 16 bytes twice: shuffles look each half up by itself.
#define TOLLGATE_TABLE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

// All ones where a byte is a simple escape's second. Each table has a byte where its low half says;
// none is 0xFF, and places that have none hold what cannot be there.
TOLLGATE_AVX2 __m256i tollgate_simple_escapes(__m256i v) {
  const __m256i some =
      TOLLGATE_TABLE(-1, 0, '"', 0, 't', 0, 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/');
  const __m256i more = TOLLGATE_TABLE(-1, 0, 'b', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  return _mm256_or_si256(
      _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_shuffle_epi8(some, v)),
                      _mm256_cmpeq_epi8(v, _mm256_shuffle_epi8(more, v))),
      _mm256_cmpeq_epi8(v, _mm256_set1_epi8('r')));
}

// Non-zero where UTF-8 goes wrong in `v`, which follows `before`: Keiser and Lemire, "Validating
// UTF-8 in less than one instruction per byte" (2021). Each of a byte's two halves and the next
// byte's upper half names the faults that it may be part of; a fault that all three name is one. A
// sequence that `v` leaves open is found in what follows.
TOLLGATE_AVX2 __m256i tollgate_utf8_faults(__m256i v, __m256i before) {
  enum {
    short_ = 1,        // a lead without its continuation
    long_ = 2,         // ASCII and a continuation
    overlong3 = 4,     // E0 and below A0
    large = 8,         // F4 and from 90 on
    surrogate = 16,    // ED and from A0 on
    overlong2 = 32,    // C0, C1
    large1000 = 64,    // from F5 on, and 80 to 8F
    overlong4 = 64,    // F0 and below 90
    two = -128,        // two continuations: right only in the third and fourth place
    any = short_ | long_ | two,
    huge = any | large | large1000,
  };
  const __m256i upper = TOLLGATE_TABLE(
      long_, long_, long_, long_, long_, long_, long_, long_, two, two, two, two,
      short_ | overlong2, short_, short_ | overlong3 | surrogate,
      short_ | large | large1000 | overlong4);
  const __m256i lower = TOLLGATE_TABLE(
      any | overlong3 | overlong2 | overlong4, any | overlong2, any, any, any | large, huge, huge,
      huge, huge, huge, huge, huge, huge, huge | surrogate, huge, huge);
  const __m256i next = TOLLGATE_TABLE(
      short_, short_, short_, short_, short_, short_, short_, short_,
      long_ | overlong2 | two | overlong3 | large1000 | overlong4,
      long_ | overlong2 | two | overlong3 | large, long_ | overlong2 | two | surrogate | large,
      long_ | overlong2 | two | surrogate | large, short_, short_, short_, short_);
  const __m256i half = _mm256_set1_epi8(0x0F);
  __m256i joint = _mm256_permute2x128_si256(before, v, 0x21);
  __m256i one = _mm256_alignr_epi8(v, joint, 15), second = _mm256_alignr_epi8(v, joint, 14);
  __m256i third = _mm256_alignr_epi8(v, joint, 13);
  __m256i high = _mm256_shuffle_epi8(upper, _mm256_and_si256(_mm256_srli_epi16(one, 4), half));
  __m256i low = _mm256_shuffle_epi8(lower, _mm256_and_si256(one, half));
  __m256i here = _mm256_shuffle_epi8(next, _mm256_and_si256(_mm256_srli_epi16(v, 4), half));
  __m256i named = _mm256_and_si256(_mm256_and_si256(high, low), here);
  // A third and a fourth byte must be continuations after a continuation, and nothing else may be.
  __m256i must = _mm256_and_si256(
      _mm256_or_si256(_mm256_subs_epu8(second, _mm256_set1_epi8(0xE0 - 0x80)),
                      _mm256_subs_epu8(third, _mm256_set1_epi8(0xF0 - 0x80))),
      _mm256_set1_epi8(-128));
  return _mm256_xor_si256(must, named);
}

// Which bytes of a block are escaped by the backslashes in `back`; `*carry` says whether the first
// is, and then whether the first of the next block is. In a run of backslashes every other escapes.
static inline uint64_t tollgate_escaped(uint64_t back, uint64_t *carry) {
  uint64_t escaped = back << 1 | *carry;
  if ((back & escaped) == 0) {
    *carry = back >> 63;
    return escaped;
  }
  const uint64_t odd = 0xAAAAAAAAAAAAAAAAull;
  uint64_t escaping = ((((back & ~*carry) << 1) | odd) - (back & ~*carry)) ^ odd;
  escaped = escaping ^ (back | *carry);
  *carry = (escaping & back) >> 63;
  return escaped;
}

// Where blocks end that were passed over, without a sequence or an escape that is left open.
static inline size_t tollgate_whole(const uint8_t *p, size_t passed, uint64_t carry) {
  if (carry) return passed - 1;
  if (passed == 0) return 0;
  if (p[passed - 1] >= 0xC0) return passed - 1;
  if (p[passed - 2] >= 0xE0) return passed - 2;
  return p[passed - 3] >= 0xF0 ? passed - 3 : passed;
}

// The portable twin's answer, or less of it: a block in which UTF-8 goes wrong is left alone. Only
// where tollgate_prose_supported() is true.
TOLLGATE_AVX2 tollgate_prose tollgate_prose_run_wide(const uint8_t *p, size_t n) {
  const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\');
  const __m256i control = _mm256_set1_epi8(0x1F);
  tollgate_prose run = {0, 0};
  uint64_t carry = 0;
  __m256i before = _mm256_setzero_si256();
  uint8_t last[64];
  while (run.passed < n) {
    const uint8_t *at = p + run.passed;
    if (n - run.passed < 64) {
      // The end is looked at with zeros behind it, which stop the run.
      memset(last, 0, sizeof last);
      memcpy(last, at, n - run.passed);
      at = last;
    }
    __m256i a = _mm256_loadu_si256((const __m256i *)at);
    __m256i b = _mm256_loadu_si256((const __m256i *)(at + 32));
    // Anything outside ASCII here, or at the end of the last block.
    __m256i open = _mm256_permute2x128_si256(before, before, 0x81);
    if (_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(a, b), open))) {
      __m256i faults =
          _mm256_or_si256(tollgate_utf8_faults(a, before), tollgate_utf8_faults(b, a));
      if (!_mm256_testz_si256(faults, faults)) break;
    }
    before = b;
    uint64_t back =
        tollgate_mask64(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash));
    uint64_t stop = tollgate_mask64(
        _mm256_or_si256(_mm256_cmpeq_epi8(a, quote),
                        _mm256_cmpeq_epi8(_mm256_min_epu8(a, control), a)),
        _mm256_or_si256(_mm256_cmpeq_epi8(b, quote),
                        _mm256_cmpeq_epi8(_mm256_min_epu8(b, control), b)));
    if (back | carry) {
      uint64_t entered = carry, escaped = tollgate_escaped(back, &carry);
      uint64_t strange =
          escaped & ~tollgate_mask64(tollgate_simple_escapes(a), tollgate_simple_escapes(b));
      if (strange & entered) {
        carry = entered;
        break;
      }
      // What is escaped stops nothing; an escape that is not simple does, at its backslash.
      stop = (stop & ~escaped) | strange >> 1;
      uint64_t passed = stop ? (stop & -stop) - 1 : ~0ull;
      run.escapes += (size_t)__builtin_popcountll(escaped & passed);
    }
    if (stop) {
      run.passed += (size_t)__builtin_ctzll(stop);
      return run;
    }
    run.passed += 64;
  }
  run.passed = tollgate_whole(p, run.passed, carry);
  return run;
}
#else
static inline bool tollgate_prose_supported(void) { return false; }
static inline tollgate_prose tollgate_prose_run_wide(const uint8_t *p, size_t n) {
  return tollgate_prose_run_portable(p, n);
}
#endif
