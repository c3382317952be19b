#pragma once
// What Swift's Glibc module lacks: epoll and its family.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

// glibc shows it only to programs that define _GNU_SOURCE, which Swift's importer does not.
extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
