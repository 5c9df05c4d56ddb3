//===- Parallel.c - Parallel loops through OpenMP --------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which OpenMP library a process uses is the program's business: one compiled
// with GCC brings libgomp, one compiled with Clang libomp, and two in one
// process would fight for the cores. So this file is compiled without OpenMP
// and asks the process at run time. Both libraries offer libgomp's documented
// entry point GOMP_parallel, which is all that is needed.
//
// Threads have equal shares of the items, and take over from each other what is left when one has
// finished: on a machine that does something else, too, the slowest of equal shares would decide.
// What an item computes does not depend on who computes it.
//
//===----------------------------------------------------------------------===//

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Internal.h"

#include <dlfcn.h>
#include <stdatomic.h>

typedef struct openmp {
  void (*parallel)(void (*body)(void *), void *data, unsigned threads, unsigned flags);
  int (*thread_num)(void);
  int (*num_threads)(void);
  int (*max_threads)(void);
} openmp;

static openmp library;
static pthread_once_t libraryOnce = PTHREAD_ONCE_INIT;

static int findSymbols(void *handle) {
  // POSIX guarantees that a function pointer fits; ISO C has no cast for it.
  *(void **)&library.parallel = dlsym(handle, "GOMP_parallel");
  *(void **)&library.thread_num = dlsym(handle, "omp_get_thread_num");
  *(void **)&library.num_threads = dlsym(handle, "omp_get_num_threads");
  *(void **)&library.max_threads = dlsym(handle, "omp_get_max_threads");
  if (library.parallel && library.thread_num && library.num_threads && library.max_threads)
    return 1;
  library.parallel = NULL;
  return 0;
}

static void findLibrary(void) {
  if (findSymbols(RTLD_DEFAULT))
    return;
  static const char *const names[] = {"libgomp.so.1", "libomp.so.5", "libomp.so"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    // Never closed: its threads live until the process ends.
    void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (handle && findSymbols(handle))
      return;
  }
}

static _Thread_local int32_t threadCount;

int32_t terse_set_thread_count(int32_t threads) {
  int32_t before = threadCount;
  threadCount = threads < 0 ? 0 : threads;
  return before;
}

/// What is left of a thread's share: items from `next` on. A line of the cache for each.
typedef struct share {
  _Alignas(64) _Atomic int64_t next;
  int64_t end;
} share;

enum { kMostShares = 256 };

typedef struct loop {
  void (*body)(void *env, int64_t begin, int64_t end);
  void *env;
  int64_t parts;
  share shares[kMostShares];
} loop;

/// `count * part / parts` without overflow.
static int64_t cut(int64_t count, int64_t part, int64_t parts) {
  return count / parts * part + count % parts * part / parts;
}

/// Takes items of a share and runs them; false if none were left. Most of its own a thread takes at
/// once: a range copies what its first items read, and finds again in the cache what it had there
/// in the last run. The rest goes to whoever is free.
static int runSome(loop *l, share *s, int mine) {
  int64_t begin = atomic_load_explicit(&s->next, memory_order_relaxed), end;
  do {
    int64_t left = s->end - begin;
    if (left <= 0)
      return 0;
    int64_t count = mine ? left / 4 * 3 + left % 4 * 3 / 4 : left / 2;
    end = begin + (count > 0 ? count : 1);
  } while (!atomic_compare_exchange_weak_explicit(&s->next, &begin, end, memory_order_relaxed,
                                                  memory_order_relaxed));
  l->body(l->env, begin, end);
  return 1;
}

static void runShare(void *data) {
  loop *l = data;
  int64_t own = library.thread_num();
  for (int64_t i = 0; i < l->parts; ++i)
    while (runSome(l, &l->shares[(own + i) % l->parts], i == 0)) {
    }
}

static void parallelFor(void (*body)(void *env, int64_t begin, int64_t end), void *env,
                        int64_t count) {
  if (count <= 0)
    return;
  if (count > 1 && threadCount != 1) {
    pthread_once(&libraryOnce, findLibrary);
    if (library.parallel) {
      int64_t threads = threadCount > 0 ? threadCount : library.max_threads();
      if (threads > count)
        threads = count;
      if (threads > kMostShares)
        threads = kMostShares;
      if (threads > 1) {
        loop l;
        l.body = body;
        l.env = env;
        l.parts = threads;
        for (int64_t i = 0; i < threads; ++i) {
          atomic_init(&l.shares[i].next, cut(count, i, threads));
          l.shares[i].end = cut(count, i + 1, threads);
        }
        library.parallel(runShare, &l, (unsigned)threads, 0);
        return;
      }
    }
  }
  body(env, 0, count);
}

const terse_services *terse_default_services(void) {
  static const terse_services services = {parallelFor};
  return &services;
}
