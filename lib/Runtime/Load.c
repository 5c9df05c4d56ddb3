//===- Load.c - Maps an artifact and its code ------------------------*- C -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Internal.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define TERSE_HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define TERSE_HOST_MACHINE EM_AARCH64
#elif defined(__riscv)
#define TERSE_HOST_MACHINE EM_RISCV
#else
#define TERSE_HOST_MACHINE EM_NONE
#endif

_Static_assert(sizeof(terse_file_header) == 128, "the header is 128 bytes");

static terse_status damaged(const char *path, const char *what) {
  return terse_fail(TERSE_ERROR_FORMAT, "%s: damaged artifact: %s", path, what);
}

static terse_status mapFile(terse_model *model, const char *path) {
  // Not blocking, so that a pipe without a writer is refused below instead of waited for.
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return terse_fail(TERSE_ERROR_IO, "%s: %s", path, strerror(errno));
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return terse_fail(TERSE_ERROR_IO, "%s: not a regular file", path);
  }
  if (info.st_size < (off_t)sizeof(terse_file_header)) {
    close(fd);
    return terse_fail(TERSE_ERROR_FORMAT, "%s: not a Terse artifact (%lld bytes)", path,
                      (long long)info.st_size);
  }
  void *address = MAP_FAILED;
  if ((uintmax_t)info.st_size <= SIZE_MAX)
    address = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
  int error = errno;
  close(fd);
  if (address == MAP_FAILED)
    return terse_fail(TERSE_ERROR_IO, "%s: cannot map the file: %s", path, strerror(error));
  model->file = address;
  model->file_size = (size_t)info.st_size;
  return TERSE_OK;
}

static int isInside(const terse_model *model, uint64_t offset, uint64_t size) {
  return offset >= sizeof(terse_file_header) && offset <= model->file_size &&
         size <= model->file_size - offset;
}

static terse_status checkHeader(terse_model *model, const char *path) {
  memcpy(&model->header, model->file, sizeof model->header);
  const terse_file_header *h = &model->header;
  if (memcmp(h->magic, TERSE_FORMAT_MAGIC, sizeof h->magic) != 0)
    return terse_fail(TERSE_ERROR_FORMAT, "%s: not a Terse artifact", path);
  // The version comes before the checksum: a later version may lay out the rest differently.
  if (h->version == 0 || h->version > TERSE_FORMAT_VERSION)
    return terse_fail(TERSE_ERROR_VERSION,
                      "%s: artifact format version %u; this runtime reads up to version %d", path,
                      h->version, TERSE_FORMAT_VERSION);
  if (terse_crc32(model->file, offsetof(terse_file_header, header_checksum)) != h->header_checksum)
    return damaged(path, "wrong header checksum");
  // Code of version 1 leaves nothing to later runs.
  if (h->abi_version == 0 || h->abi_version > TERSE_ABI_VERSION)
    return terse_fail(TERSE_ERROR_VERSION,
                      "%s: code for interface version %u; this runtime offers up to version %d", path,
                      h->abi_version, TERSE_ABI_VERSION);
  if (h->file_size != model->file_size)
    return terse_fail(TERSE_ERROR_FORMAT,
                      "%s: damaged artifact: %llu bytes long, and its header says %llu", path,
                      (unsigned long long)model->file_size, (unsigned long long)h->file_size);
  if (!isInside(model, h->metadata_offset, h->metadata_size) ||
      !isInside(model, h->code_offset, h->code_size) ||
      !isInside(model, h->weights_offset, h->weights_size) ||
      (h->ranges_size != 0 && !isInside(model, h->ranges_offset, h->ranges_size)) ||
      h->weights_offset % TERSE_FORMAT_PAGE != 0)
    return damaged(path, "a section lies outside the file");
  if (h->machine != TERSE_HOST_MACHINE)
    return terse_fail(TERSE_ERROR_TARGET,
                      "%s: code for ELF machine %u, and this machine is %d; compile the model for "
                      "this machine",
                      path, h->machine, TERSE_HOST_MACHINE);
  if (terse_crc32(model->file + h->metadata_offset, h->metadata_size) != h->metadata_checksum)
    return damaged(path, "wrong metadata checksum");
  return TERSE_OK;
}

/// Whether the code that was chosen lies in the file as it was written.
static terse_status checkCode(const terse_model *model, const char *path) {
  const terse_variant *code = &model->variant;
  if (!isInside(model, code->code_offset, code->code_size))
    return damaged(path, "a section lies outside the file");
  if (code->arena_size > (uint64_t)PTRDIFF_MAX - TERSE_FORMAT_PAGE)
    return damaged(path, "impossible arena size");
  if (terse_crc32(model->file + code->code_offset, code->code_size) != code->checksum)
    return damaged(path, "wrong code checksum");
  return TERSE_OK;
}

static int writeAll(int fd, const uint8_t *data, size_t size) {
  while (size > 0) {
    ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return 0;
    data += written;
    size -= (size_t)written;
  }
  return 1;
}

/// The dynamic linker takes files only, so the code goes to a file that exists in memory alone.
/// Its descriptor stays open while the model lives: the linker knows libraries by path, and with
/// the number free for the next model it would hand out this model's code for that one.
static terse_status openCode(terse_model *model, const char *path) {
  const uint8_t *code = model->file + model->variant.code_offset;
  size_t size = model->variant.code_size;
  char name[64];
  model->code_fd = memfd_create("terse-code", MFD_CLOEXEC);
  if (model->code_fd >= 0 && writeAll(model->code_fd, code, size)) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", model->code_fd);
    model->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (!model->library) {
    // No /proc, or a policy against executable memory files: a file that is gone once it is mapped.
    const char *folder = getenv("TMPDIR");
    char file[4096];
    int length = snprintf(file, sizeof file, "%s/terse-code-XXXXXX", folder ? folder : "/tmp");
    int fd = length < (int)sizeof file ? mkstemp(file) : -1;
    if (fd >= 0) {
      if (writeAll(fd, code, size))
        model->library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
      close(fd);
      unlink(file);
    }
  }
  if (!model->library) {
    const char *reason = dlerror();
    return terse_fail(TERSE_ERROR_FORMAT, "%s: cannot load the code: %s", path,
                      reason ? reason : strerror(errno));
  }
  const terse_services **services = dlsym(model->library, TERSE_SERVICES_SYMBOL);
  *(void **)&model->entry = dlsym(model->library, TERSE_ENTRY_SYMBOL);
  if (!services || !model->entry)
    return damaged(path, "the code does not export its entry point");
  *services = terse_default_services();
  return TERSE_OK;
}

terse_status terse_model_load(const char *path, const terse_load_options *options,
                              terse_model **out) {
  *out = NULL;
  terse_model *model = calloc(1, sizeof *model);
  if (!model)
    return terse_fail(TERSE_ERROR_MEMORY, "%s: out of memory", path);
  model->code_fd = -1;
  pthread_mutex_init(&model->mutex, NULL);
  if (options)
    terse_model_set_threads(model, options->threads);

  terse_status status;
  if (!(status = mapFile(model, path)) && !(status = checkHeader(model, path)) &&
      !(status =
            terse_read_metadata(model, path, model->file + model->header.metadata_offset,
                                model->header.metadata_size, options ? options->variant : NULL)) &&
      !(status = checkCode(model, path)) && !(status = terse_read_ranges(model, path)) && options &&
      options->verify_weights &&
      terse_crc32(model->file + model->header.weights_offset, model->header.weights_size) !=
          model->header.weights_checksum)
    status = damaged(path, "wrong checksum of the weights");
  if (!status)
    status = openCode(model, path);
  if (status) {
    terse_model_unload(model);
    return status;
  }
  *out = model;
  return TERSE_OK;
}

void terse_model_unload(terse_model *model) {
  if (!model)
    return;
  while (model->free_arenas) {
    terse_arena *arena = model->free_arenas;
    model->free_arenas = arena->next;
    free(arena->scratch.data);
    free(arena);
  }
  if (model->library)
    dlclose(model->library);
  if (model->code_fd >= 0)
    close(model->code_fd);
  if (model->file)
    munmap((void *)model->file, model->file_size);
  // The output that counts has a name, too.
  model->outputs.count += model->outputs.items && model->range_count && model->counts_hidden;
  terse_free_ranges(model);
  terse_free_list(&model->inputs);
  terse_free_list(&model->outputs);
  terse_free_list(&model->weights);
  free(model->producer);
  free(model->target);
  terse_free_variant(&model->variant);
  pthread_mutex_destroy(&model->mutex);
  free(model);
}
