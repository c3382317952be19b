"""A wall clock for one process, which a test sets: CLOCK_REALTIME as the process reads it is moved by the
number of seconds in a file. Every other clock is the machine's."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from harness import SANITIZER, Tollgate

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *set;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("TEST_WALL_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *page = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) set = page;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (!real) begin();
  int result = real(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME && set) time->tv_sec += *set;
  return result;
}

int gettimeofday(struct timeval *restrict value, void *restrict zone) {
  struct timespec time;
  int result = clock_gettime(CLOCK_REALTIME, &time);
  value->tv_sec = time.tv_sec;
  value->tv_usec = time.tv_nsec / 1000;
  return result;
}

time_t time(time_t *value) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (value) *value = now.tv_sec;
  return now.tv_sec;
}
"""


class WallClock:
    """`clock.set(seconds)` moves the clock of the processes that `clock.of(tollgate)` was called for."""

    def __init__(self, folder: Path):
        if SANITIZER:
            pytest.skip("a sanitizer's library must be the first that is loaded")
        if not shutil.which("cc"):
            pytest.skip("no C compiler")
        self.library = folder / "wall_clock.so"
        source = folder / "wall_clock.c"
        source.write_text(SOURCE)
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", str(self.library), str(source), "-ldl"], check=True
        )
        self.path = folder / "wall_clock"
        self.path.write_bytes(bytes(8))
        self._file = self.path.open("r+b")
        self._page = mmap.mmap(self._file.fileno(), 8)
        self.seconds = 0

    def of(self, tollgate: Tollgate) -> None:
        tollgate.environment |= {
            "LD_PRELOAD": str(self.library), "TEST_WALL_CLOCK": str(self.path),
        }  # fmt: skip

    def set(self, seconds: int) -> None:
        self.seconds = seconds
        self._page[:] = struct.pack("<q", seconds)
