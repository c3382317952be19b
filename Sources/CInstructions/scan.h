#pragma once
// Runs of bytes that a scanner may pass over at once. Each function answers how many leading bytes
// of the `n` at `p` belong to the run; none reads outside them. The `_portable` twins give the same
// answers a byte at a time and are what the tests compare with; SSE2 is part of x86-64 and NEON of
// AArch64, so nothing is asked at run time.
#include <stddef.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define TOLLGATE_SCAN_NEON 1
#endif

// MARK: one byte

// ASCII that stands for itself inside a JSON string: not `"`, not `\`, not a control (RFC 8259, 7).
static inline int tollgate_is_plain(uint8_t c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

// The alphabets of RFC 4648, 4 and 5, padding included.
static inline int tollgate_is_base64(uint8_t c) {
  return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '/') < 11 || c == '+' || c == '-' ||
         c == '_' || c == '=';
}

// The length of the well-formed sequence of two to four bytes at `p` (RFC 3629, 4), else 0.
static inline size_t tollgate_utf8_sequence(const uint8_t *p, size_t n) {
  uint8_t a = p[0];
  if (a < 0xC2 || n < 2) return 0;
  uint8_t b = p[1];
  if (a < 0xE0) return (b & 0xC0) == 0x80 ? 2 : 0;
  if (n < 3 || (p[2] & 0xC0) != 0x80) return 0;
  if (a < 0xF0) {
    uint8_t low = a == 0xE0 ? 0xA0 : 0x80, high = a == 0xED ? 0x9F : 0xBF;
    return b >= low && b <= high ? 3 : 0;
  }
  if (a > 0xF4 || n < 4 || (p[3] & 0xC0) != 0x80) return 0;
  uint8_t low = a == 0xF0 ? 0x90 : 0x80, high = a == 0xF4 ? 0x8F : 0xBF;
  return b >= low && b <= high ? 4 : 0;
}

// MARK: the portable twins

static inline size_t tollgate_plain_run_portable(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n && tollgate_is_plain(p[i])) i++;
  return i;
}

static inline size_t tollgate_base64_run_portable(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n && tollgate_is_base64(p[i])) i++;
  return i;
}

static inline size_t tollgate_until_byte_portable(const uint8_t *p, size_t n, uint8_t byte) {
  size_t i = 0;
  while (i < n && p[i] != byte) i++;
  return i;
}

// MARK: sixteen bytes at a time
// Each `_mask` has a bit (SSE2) or a nibble (NEON) set for every byte at which the run ends.

#if defined(__SSE2__)
#define TOLLGATE_SCAN_WIDE 1
typedef __m128i tollgate_block;
static inline tollgate_block tollgate_load(const uint8_t *p) {
  return _mm_loadu_si128((const __m128i *)p);
}
static inline uint64_t tollgate_mask(tollgate_block hit) {
  return (uint64_t)(uint32_t)_mm_movemask_epi8(hit);
}
static inline size_t tollgate_mask_index(uint64_t mask) { return (size_t)__builtin_ctzll(mask); }
static inline tollgate_block tollgate_either(tollgate_block a, tollgate_block b) {
  return _mm_or_si128(a, b);
}
static inline tollgate_block tollgate_equal(tollgate_block v, uint8_t c) {
  return _mm_cmpeq_epi8(v, _mm_set1_epi8((char)c));
}
// Signed: bytes from 0x80 on are negative, so one comparison finds them and the controls.
static inline tollgate_block tollgate_not_plain(tollgate_block v) {
  tollgate_block outside = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
  return tollgate_either(outside, tollgate_either(tollgate_equal(v, '"'), tollgate_equal(v, '\\')));
}
static inline tollgate_block tollgate_within(tollgate_block v, uint8_t first, uint8_t count) {
  tollgate_block from = _mm_sub_epi8(v, _mm_set1_epi8((char)first));
  return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8((char)(count - 1))), from);
}
static inline tollgate_block tollgate_lowercased(tollgate_block v) {
  return _mm_or_si128(v, _mm_set1_epi8(0x20));
}
static inline tollgate_block tollgate_inverse(tollgate_block v) {
  return _mm_xor_si128(v, _mm_set1_epi8((char)0xFF));
}
#elif defined(TOLLGATE_SCAN_NEON)
#define TOLLGATE_SCAN_WIDE 1
typedef uint8x16_t tollgate_block;
static inline tollgate_block tollgate_load(const uint8_t *p) { return vld1q_u8(p); }
static inline uint64_t tollgate_mask(tollgate_block hit) {
  uint8x8_t narrow = vshrn_n_u16(vreinterpretq_u16_u8(hit), 4);
  return vget_lane_u64(vreinterpret_u64_u8(narrow), 0);
}
static inline size_t tollgate_mask_index(uint64_t mask) {
  return (size_t)__builtin_ctzll(mask) >> 2;
}
static inline tollgate_block tollgate_either(tollgate_block a, tollgate_block b) {
  return vorrq_u8(a, b);
}
static inline tollgate_block tollgate_equal(tollgate_block v, uint8_t c) {
  return vceqq_u8(v, vdupq_n_u8(c));
}
static inline tollgate_block tollgate_within(tollgate_block v, uint8_t first, uint8_t count) {
  return vcltq_u8(vsubq_u8(v, vdupq_n_u8(first)), vdupq_n_u8(count));
}
static inline tollgate_block tollgate_lowercased(tollgate_block v) {
  return vorrq_u8(v, vdupq_n_u8(0x20));
}
static inline tollgate_block tollgate_inverse(tollgate_block v) { return vmvnq_u8(v); }
static inline tollgate_block tollgate_not_plain(tollgate_block v) {
  tollgate_block outside = tollgate_inverse(tollgate_within(v, 0x20, 0x60));
  return tollgate_either(outside, tollgate_either(tollgate_equal(v, '"'), tollgate_equal(v, '\\')));
}
#endif

#if defined(TOLLGATE_SCAN_WIDE)
static inline tollgate_block tollgate_not_base64(tollgate_block v) {
  tollgate_block letter = tollgate_within(tollgate_lowercased(v), 'a', 26);
  tollgate_block digit = tollgate_within(v, '/', 11);
  tollgate_block sign = tollgate_either(tollgate_equal(v, '+'), tollgate_equal(v, '-'));
  tollgate_block rest = tollgate_either(tollgate_equal(v, '_'), tollgate_equal(v, '='));
  return tollgate_inverse(
      tollgate_either(tollgate_either(letter, digit), tollgate_either(sign, rest)));
}

// One short block first, because most strings are short; then four at a time; the end byte by byte.
#define TOLLGATE_RUN(hit, portable)                                                              \
  size_t i = 0;                                                                                  \
  for (; i + 16 <= n && i < 64; i += 16) {                                                       \
    uint64_t mask = tollgate_mask(hit(tollgate_load(p + i)));                                    \
    if (mask) return i + tollgate_mask_index(mask);                                              \
  }                                                                                              \
  for (; i + 64 <= n; i += 64) {                                                                 \
    tollgate_block a = hit(tollgate_load(p + i)), b = hit(tollgate_load(p + i + 16));            \
    tollgate_block c = hit(tollgate_load(p + i + 32)), d = hit(tollgate_load(p + i + 48));       \
    if (tollgate_mask(tollgate_either(tollgate_either(a, b), tollgate_either(c, d)))) break;     \
  }                                                                                              \
  for (; i + 16 <= n; i += 16) {                                                                 \
    uint64_t mask = tollgate_mask(hit(tollgate_load(p + i)));                                    \
    if (mask) return i + tollgate_mask_index(mask);                                              \
  }                                                                                              \
  return i + portable
#endif

// MARK: the runs

// Plain ASCII inside a JSON string.
static inline size_t tollgate_plain_run(const uint8_t *p, size_t n) {
#if defined(TOLLGATE_SCAN_WIDE)
  TOLLGATE_RUN(tollgate_not_plain, tollgate_plain_run_portable(p + i, n - i));
#else
  return tollgate_plain_run_portable(p, n);
#endif
}

// The base64 alphabets.
static inline size_t tollgate_base64_run(const uint8_t *p, size_t n) {
#if defined(TOLLGATE_SCAN_WIDE)
  TOLLGATE_RUN(tollgate_not_base64, tollgate_base64_run_portable(p + i, n - i));
#else
  return tollgate_base64_run_portable(p, n);
#endif
}

// Everything before the first `byte`.
static inline size_t tollgate_until_byte(const uint8_t *p, size_t n, uint8_t byte) {
#if defined(TOLLGATE_SCAN_WIDE)
#define TOLLGATE_IS_BYTE(v) tollgate_equal(v, byte)
  TOLLGATE_RUN(TOLLGATE_IS_BYTE, tollgate_until_byte_portable(p + i, n - i, byte));
#undef TOLLGATE_IS_BYTE
#else
  return tollgate_until_byte_portable(p, n, byte);
#endif
}

// Plain ASCII and whole, well-formed UTF-8 sequences.
static inline size_t tollgate_text_run_portable(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n) {
    size_t step = p[i] < 0x80 ? (size_t)tollgate_is_plain(p[i])
                              : tollgate_utf8_sequence(p + i, n - i);
    if (step == 0) break;
    i += step;
  }
  return i;
}

static inline size_t tollgate_text_run(const uint8_t *p, size_t n) {
  size_t i = 0;
  for (;;) {
    i += tollgate_plain_run(p + i, n - i);
    if (i == n || p[i] < 0x80) return i;
    // Scripts other than Latin come in words: stay with them, short runs of ASCII between included.
    while (i < n) {
      size_t step = 0;
      if (p[i] >= 0x80) {
        step = tollgate_utf8_sequence(p + i, n - i);
        if (step == 0) return i;
      } else {
        while (step < 4 && i + step < n && tollgate_is_plain(p[i + step])) step++;
        if (step == 0) return i;
        if (step == 4) break;
      }
      i += step;
    }
  }
}

// The most of a string that `tollgate_plain_string` looks at.
#define TOLLGATE_PLAIN_STRING_MAX 240

// The length of the string whose first byte is at `p`, if it is plain ASCII and its closing quote
// is among the first 240 bytes; else -1. Most strings of a request are like that.
static inline ptrdiff_t tollgate_plain_string_portable(const uint8_t *p, size_t n) {
  size_t end = n < TOLLGATE_PLAIN_STRING_MAX ? n : TOLLGATE_PLAIN_STRING_MAX;
  size_t run = tollgate_plain_run_portable(p, end);
  return run < end && p[run] == '"' ? (ptrdiff_t)run : -1;
}

static inline ptrdiff_t tollgate_plain_string(const uint8_t *p, size_t n) {
#if defined(TOLLGATE_SCAN_WIDE)
  size_t end = n < TOLLGATE_PLAIN_STRING_MAX ? n : TOLLGATE_PLAIN_STRING_MAX, i = 0;
  for (; i + 16 <= end; i += 16) {
    uint64_t mask = tollgate_mask(tollgate_not_plain(tollgate_load(p + i)));
    if (mask) {
      size_t run = i + tollgate_mask_index(mask);
      return p[run] == '"' ? (ptrdiff_t)run : -1;
    }
  }
  i += tollgate_plain_run_portable(p + i, end - i);
  return i < end && p[i] == '"' ? (ptrdiff_t)i : -1;
#else
  return tollgate_plain_string_portable(p, n);
#endif
}
