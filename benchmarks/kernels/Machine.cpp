//===- Machine.cpp - What the machine can do at most ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written with assembly in place, because compilers differ in what they make of tile intrinsics.

#include "Machine.h"
#include "terse/Runtime/services.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <time.h>

using namespace terse::bench;

static double readClock(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}
double terse::bench::threadTime() { return readClock(CLOCK_THREAD_CPUTIME_ID); }
double terse::bench::wallTime() { return readClock(CLOCK_MONOTONIC); }

static bool has(const char *feature) { return terse_cpu_has_feature(feature) > 0; }

std::string terse::bench::describeFeatures() {
  std::string text;
  for (const char *name : {"avx2", "fma", "avxvnni", "avx512f", "avx512bw", "avx512vnni",
                           "avx512bf16", "amx-int8", "amx-bf16"})
    if (has(name))
      text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// The 90th percentile of `count` repetitions: not the very best, a short measurement errs both
// ways.
template <typename Body>
static double repeat(int count, Body body) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i)
    values.push_back(body());
  std::nth_element(values.begin(), values.begin() + count * 9 / 10, values.end());
  return values[count * 9 / 10];
}

#if defined(__x86_64__)
#include <cpuid.h>

namespace {
/// Tile registers of 16 rows of 64 bytes; what a library had configured comes back at the end.
class Tiles {
public:
  Tiles() {
    std::memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int i = 0; i < 8; ++i)
      config.bytes[i] = 64, config.rows[i] = 16;
    asm volatile("sttilecfg (%0)\n ldtilecfg (%1)" ::"r"(&before), "r"(&config) : "memory");
  }
  ~Tiles() {
    if (before.palette)
      asm volatile("ldtilecfg (%0)" ::"r"(&before) : "memory");
    else
      asm volatile("tilerelease" ::);
  }

private:
  struct alignas(64) Config {
    uint8_t palette, row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } config, before;
};
} // namespace

#define SIX(OP)                                                                                    \
  OP " %%tmm7,%%tmm6,%%tmm0\n " OP " %%tmm7,%%tmm6,%%tmm1\n " OP " %%tmm7,%%tmm6,%%tmm2\n " OP     \
     " %%tmm7,%%tmm6,%%tmm3\n " OP " %%tmm7,%%tmm6,%%tmm4\n " OP " %%tmm7,%%tmm6,%%tmm5\n"

static double tilePeak(bool bf16, long n) {
  Tiles tiles;
  double start = threadTime();
  for (long i = 0; i < n; ++i) {
    if (bf16)
      asm volatile(SIX("tdpbf16ps")::);
    else
      asm volatile(SIX("tdpbssd")::);
  }
  return double(n) * 6 * (bf16 ? 16384 : 32768) / (threadTime() - start);
}

// Two by two tiles, as kernels do it.
static double tileBurst(long n) {
  alignas(64) static char a[16384], b[16384];
  Tiles tiles;
  double start = threadTime();
  for (long i = 0; i < n; ++i)
    for (long j = 0; j < 8; ++j)
      asm volatile(
          "tileloadd (%0,%2,1),%%tmm4\n tileloadd (%1,%2,1),%%tmm6\n "
          "tileloadd 1024(%1,%2,1),%%tmm7\n tdpbssd %%tmm6,%%tmm4,%%tmm0\n "
          "tdpbssd %%tmm7,%%tmm4,%%tmm1\n tileloadd 1024(%0,%2,1),%%tmm5\n "
          "tdpbssd %%tmm6,%%tmm5,%%tmm2\n tdpbssd %%tmm7,%%tmm5,%%tmm3" ::"r"(a + j * 2048),
          "r"(b + j * 2048), "r"(64l)
          : "memory");
  return double(n) * 8 * 4 * 32768 / (threadTime() - start);
}

#define EACH(OP, I) OP " %%zmm30,%%zmm31,%%zmm" #I "\n "
#define TWELVE(OP)                                                                                 \
  EACH(OP, 0)                                                                                      \
  EACH(OP, 1)                                                                                      \
  EACH(OP, 2)                                                                                      \
  EACH(OP, 3)                                                                                      \
  EACH(OP, 4)                                                                                      \
  EACH(OP, 5) EACH(OP, 6) EACH(OP, 7) EACH(OP, 8) EACH(OP, 9) EACH(OP, 10) EACH(OP, 11)
#define ZMM                                                                                        \
  "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10",         \
      "zmm11", "zmm30", "zmm31"

enum class Vectors { Floats, Bytes, BF16 };
__attribute__((target("avx512f"))) static double vectorPeak(Vectors kind, long n) {
  asm volatile("vpxord %%zmm30,%%zmm30,%%zmm30\n vpxord %%zmm31,%%zmm31,%%zmm31" ::: ZMM);
  double start = threadTime();
  for (long i = 0; i < n; ++i) {
    if (kind == Vectors::Bytes)
      asm volatile(TWELVE("vpdpbusd")::: ZMM);
    else if (kind == Vectors::BF16)
      asm volatile(TWELVE("vdpbf16ps")::: ZMM);
    else
      asm volatile(TWELVE("vfmadd231ps")::: ZMM);
  }
  int operations = kind == Vectors::Bytes ? 128 : kind == Vectors::BF16 ? 64 : 32;
  return double(n) * 12 * operations / (threadTime() - start);
}

// Reads `bytes` in `streams` equal parts side by side, perhaps fetched ahead.
__attribute__((target("avx512f"))) static double
readBandwidth(const char *data, size_t bytes, int streams, long n, bool fetched = false) {
  // Streams that begin a power of two apart would meet in one set of the cache.
  size_t part = bytes / streams - (streams > 1 ? 4352 : 0);
  double start = threadTime();
  for (long i = 0; i < n; ++i)
    for (size_t at = 0; at < part; at += 256)
      for (int s = 0; s < streams; ++s) {
        const char *p = data + s * part + at;
        if (fetched)
          asm volatile("prefetcht0 1024(%0)\n prefetcht0 1088(%0)\n prefetcht0 1152(%0)\n "
                       "prefetcht0 1216(%0)" ::"r"(p));
        asm volatile("vmovdqa64 (%0),%%zmm0\n vmovdqa64 64(%0),%%zmm1\n vmovdqa64 128(%0),%%zmm2\n "
                     "vmovdqa64 192(%0),%%zmm3" ::"r"(p)
                     : "zmm0", "zmm1", "zmm2", "zmm3");
      }
  return double(n) * double(part * streams) / (threadTime() - start);
}

double terse::bench::burstInt8() {
  return has("amx-int8")     ? tileBurst(700)
         : has("avx512vnni") ? vectorPeak(Vectors::Bytes, 12000)
                             : 1;
}
double terse::bench::burstFloat() {
  return has("avx512f") ? vectorPeak(Vectors::Floats, 20000) : 1;
}

Limits terse::bench::measureLimits() {
  Limits limits;
  if (has("amx-int8"))
    limits.amxInt8 = repeat(40, [] { return tilePeak(false, 5000); });
  if (has("amx-bf16"))
    limits.amxBF16 = repeat(40, [] { return tilePeak(true, 5000); });
  if (!has("avx512f"))
    return limits;
  if (has("avx512vnni"))
    limits.vnni = repeat(40, [] { return vectorPeak(Vectors::Bytes, 20000); });
  if (has("avx512bf16"))
    limits.bf16 = repeat(40, [] { return vectorPeak(Vectors::BF16, 20000); });
  limits.fma = repeat(40, [] { return vectorPeak(Vectors::Floats, 20000); });
  size_t bytes = size_t(256) << 20;
  void *memory =
      mmap(nullptr, bytes + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return limits;
  madvise(memory, bytes, MADV_HUGEPAGE);
  std::memset(memory, 1, bytes + 4096);
  auto *data = reinterpret_cast<const char *>((uintptr_t(memory) + 63) & ~uintptr_t(63));
  readBandwidth(data, 16 << 10, 1, 10);
  limits.l1 = repeat(20, [&] { return readBandwidth(data, 16 << 10, 1, 2000); });
  limits.l2 = repeat(20, [&] { return readBandwidth(data, 1 << 20, 1, 20); });
  limits.l3 = repeat(10, [&] { return readBandwidth(data, 16 << 20, 1, 1); });
  limits.dram = repeat(5, [&] { return readBandwidth(data, bytes, 1, 1); });
  // What fetches ahead helps some processors and hinders others.
  for (bool fetched : {false, true})
    limits.dramStreams = std::max(
        limits.dramStreams, repeat(5, [&] { return readBandwidth(data, bytes, 8, 1, fetched); }));
  munmap(memory, bytes + (2 << 20));
  return limits;
}

void terse::bench::flush(const void *data, size_t bytes) {
  unsigned a, b = 0, c, d;
  // clflushopt need not wait for the line before.
  bool quick = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 23 & 1);
  for (size_t at = 0; at < bytes; at += 64)
    if (quick)
      asm volatile("clflushopt (%0)" ::"r"(static_cast<const char *>(data) + at) : "memory");
    else
      asm volatile("clflush (%0)" ::"r"(static_cast<const char *>(data) + at) : "memory");
  asm volatile("mfence" ::: "memory");
}
#else
double terse::bench::burstInt8() { return 1; }
double terse::bench::burstFloat() { return 1; }
Limits terse::bench::measureLimits() { return {}; }
void terse::bench::flush(const void *, size_t) {}
#endif
