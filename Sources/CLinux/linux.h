#pragma once
// What Swift's Glibc module lacks: epoll and its family.
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

// glibc shows it only to programs that define _GNU_SOURCE, which Swift's importer does not.
extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);

// Variadic, which Swift cannot call. The name is cut at 15 bytes.
static inline int tollgate_set_thread_name(const char *name) {
  return prctl(PR_SET_NAME, name, 0, 0, 0);
}

// Gives memory that was freed back to the system. musl has no malloc_trim, and keeps little.
static inline void tollgate_trim_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}
