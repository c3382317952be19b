// The floor that a benchmark stands on: a gRPC server that decides nothing.
//
// One thread, one epoll, one libnghttp2 session a connection. It takes the messages apart by their
// five-byte prefix, gives the bytes back to flow control, and answers every call with bytes
// that were prepared beforehand: one reply to a Check, one reply to each message of a Process
// stream (the first reply to the first message, and so on, beginning again after the last), then
// trailers with grpc-status 0 once the client has closed its half.
//
//   prepared-server --check FILE --process FILE --listen ADDR [--listen ADDR]…
//
// ADDR is host:port (IPv4) or unix:PATH. A FILE holds framed gRPC messages. "ready" on standard
// output says that the listeners are open. SIGTERM ends it.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
  listeners_max = 8,
  replies_max = 16,
  streams_max = 1024,
  message_bytes_max = 64 << 20,
  stream_window_bytes = 16 << 20,
  connection_window_bytes = 64 << 20,
  receive_bytes = 256 << 10,
  send_bytes = 64 << 10,
  events_max = 64,
};

enum { grpc_ok = 0, grpc_resource_exhausted = 8, grpc_unimplemented = 12, grpc_internal = 13 };

static const char check_path[] = "/envoy.service.auth.v3.Authorization/Check";
static const char process_path[] = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

// The replies of one method, each a framed gRPC message.
struct replies {
  const uint8_t *bytes[replies_max];
  size_t length[replies_max];
  unsigned count;
};

static struct replies check_replies, process_replies;

// One call.
struct stream {
  struct stream *next_free;
  const struct replies *replies;  // NULL until the path is known to be one of ours
  int32_t id;
  uint32_t message_left;  // bytes of the message at hand that are yet to come
  uint32_t messages;      // whole messages so far
  uint32_t answered;      // replies handed to libnghttp2 in full
  uint32_t reply_offset;  // of the reply that is on its way
  uint8_t prefix[5];
  uint8_t prefix_length;
  uint8_t status;  // the grpc-status to end with
  bool half_closed, responded, deferred;
};

struct connection {
  int fd;  // first, so that epoll's pointer tells a listener from a connection
  nghttp2_session *session;
  size_t out_start, out_end;
  bool waiting_to_write;
  uint8_t out[send_bytes];
};

static struct stream *free_streams;
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;
static int epoll_fd;

static void die(const char *what) {
  perror(what);
  exit(1);
}

// MARK: Prepared bytes

static void load_replies(struct replies *replies, const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) die(path);
  size_t size = (size_t)info.st_size;
  uint8_t *bytes = malloc(size ? size : 1);
  if (!bytes || read(fd, bytes, size) != (ssize_t)size) die(path);
  close(fd);
  for (size_t at = 0; at < size;) {
    if (size - at < 5 || replies->count == replies_max) goto bad;
    uint32_t length;
    memcpy(&length, bytes + at + 1, 4);
    size_t framed = 5 + (size_t)ntohl(length);
    if (framed > size - at) goto bad;
    replies->bytes[replies->count] = bytes + at;
    replies->length[replies->count++] = framed;
    at += framed;
  }
  if (replies->count) return;
bad:
  fprintf(stderr, "%s: not 1 to %d framed gRPC messages\n", path, replies_max);
  exit(1);
}

// MARK: Answers

#define NV(n, v)                                                         \
  {(uint8_t *)(n), (uint8_t *)(v), sizeof(n) - 1, sizeof(v) - 1,         \
   NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE}

static nghttp2_nv status_field(uint8_t status) {
  static const char *const text[] = {"0", "1", "2", "3",  "4",  "5",  "6", "7",
                                     "8", "9", "10", "11", "12", "13"};
  nghttp2_nv field = NV("grpc-status", "0");
  field.value = (uint8_t *)text[status];
  field.valuelen = strlen(text[status]);
  return field;
}

// Gives libnghttp2 the replies that are due, then the trailers.
static ssize_t read_replies(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *context) {
  (void)context;
  struct stream *stream = source->ptr;
  size_t written = 0;
  while (stream->answered < stream->messages && written < room) {
    unsigned which = stream->answered % stream->replies->count;
    size_t left = stream->replies->length[which] - stream->reply_offset;
    size_t part = left < room - written ? left : room - written;
    memcpy(buffer + written, stream->replies->bytes[which] + stream->reply_offset, part);
    written += part;
    stream->reply_offset += (uint32_t)part;
    if (part == left) {
      stream->reply_offset = 0;
      stream->answered++;
    }
  }
  if (stream->answered == stream->messages && stream->half_closed) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_nv trailer = status_field(stream->status);
    if (nghttp2_submit_trailer(session, id, &trailer, 1)) return NGHTTP2_ERR_CALLBACK_FAILURE;
  } else if (!written) {
    stream->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  return (ssize_t)written;
}

// Begins the response, or wakes it when it waits for something to say.
static int answer(nghttp2_session *session, struct stream *stream) {
  if (!stream->responded) {
    static const nghttp2_nv head[] = {NV(":status", "200"), NV("content-type", "application/grpc")};
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_replies};
    stream->responded = true;
    return nghttp2_submit_response(session, stream->id, head, 2, &provider);
  }
  if (!stream->deferred) return 0;
  stream->deferred = false;
  return nghttp2_session_resume_data(session, stream->id);
}

// A response of nothing but trailers.
static int refuse(nghttp2_session *session, struct stream *stream) {
  nghttp2_nv head[] = {NV(":status", "200"), NV("content-type", "application/grpc"),
                       status_field(stream->status)};
  stream->responded = true;
  return nghttp2_submit_response(session, stream->id, head, 3, NULL);
}

// MARK: Events of a session

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
  (void)context;
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  struct stream *stream = free_streams;
  if (stream) free_streams = stream->next_free;
  else if (!(stream = malloc(sizeof *stream))) return NGHTTP2_ERR_CALLBACK_FAILURE;
  *stream = (struct stream){.id = frame->hd.stream_id, .status = grpc_unimplemented};
  return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *context) {
  (void)flags, (void)context;
  nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
  if (n.len != 5 || memcmp(n.base, ":path", 5)) return 0;
  struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (!stream) return 0;
  nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
  if (v.len == sizeof check_path - 1 && !memcmp(v.base, check_path, v.len)) {
    stream->replies = &check_replies;
  } else if (v.len == sizeof process_path - 1 && !memcmp(v.base, process_path, v.len)) {
    stream->replies = &process_replies;
  } else {
    return 0;
  }
  stream->status = grpc_ok;
  return 0;
}

// Takes messages apart; their bytes go nowhere, as libnghttp2 has given them back to the windows.
static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t length, void *context) {
  (void)flags, (void)context;
  struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
  if (!stream || stream->status != grpc_ok) return 0;
  uint32_t before = stream->messages;
  while (length) {
    if (stream->message_left) {
      size_t part = length < stream->message_left ? length : stream->message_left;
      data += part;
      length -= part;
      stream->message_left -= (uint32_t)part;
      if (!stream->message_left) stream->messages++;
      continue;
    }
    stream->prefix[stream->prefix_length++] = *data++;
    length--;
    if (stream->prefix_length < 5) continue;
    uint32_t size;
    memcpy(&size, stream->prefix + 1, 4);
    stream->message_left = ntohl(size);
    stream->prefix_length = 0;
    if (stream->prefix[0]) stream->status = grpc_internal;
    if (stream->message_left > message_bytes_max) stream->status = grpc_resource_exhausted;
    if (stream->status != grpc_ok) return 0;
    if (!stream->message_left) stream->messages++;
  }
  // A unary call is answered at its end, where it is known to have had just one message.
  if (stream->messages == before || stream->replies == &check_replies) return 0;
  return answer(session, stream);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
  (void)context;
  if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
  struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (!stream) return 0;
  stream->half_closed = true;
  bool cut = stream->message_left || stream->prefix_length;
  bool miscounted = stream->replies == &check_replies && stream->messages != 1;
  if (stream->status == grpc_ok && (cut || miscounted)) stream->status = grpc_internal;
  if (stream->status != grpc_ok && !stream->responded) return refuse(session, stream);
  return answer(session, stream);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context) {
  (void)code, (void)context;
  struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
  if (!stream) return 0;
  stream->next_free = free_streams;
  free_streams = stream;
  return 0;
}

// MARK: Connections

static void close_connection(struct connection *connection) {
  nghttp2_session_del(connection->session);
  close(connection->fd);
  free(connection);
}

// Sends what is buffered; false when the connection is lost. What the socket did not take stays.
static bool drain(struct connection *connection) {
  while (connection->out_start < connection->out_end) {
    ssize_t sent = send(connection->fd, connection->out + connection->out_start,
                        connection->out_end - connection->out_start, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    connection->out_start += (size_t)sent;
  }
  connection->out_start = connection->out_end = 0;
  return true;
}

// Writes all that the session has to say, many frames to one send; false ends the connection.
static bool flush(struct connection *connection) {
  if (!drain(connection)) return false;
  while (!connection->out_end) {
    // A frame's bytes are copied at once: they live until the next call only.
    while (send_bytes - connection->out_end >= 9 + 16384) {
      const uint8_t *bytes;
      ssize_t length = nghttp2_session_mem_send(connection->session, &bytes);
      if (length < 0) return false;
      if (!length) break;
      if ((size_t)length > send_bytes - connection->out_end) return false;
      memcpy(connection->out + connection->out_end, bytes, (size_t)length);
      connection->out_end += (size_t)length;
    }
    if (!connection->out_end) break;
    if (!drain(connection)) return false;
  }
  bool wait = connection->out_end != 0;
  if (wait != connection->waiting_to_write) {
    struct epoll_event event = {.events = EPOLLIN | (wait ? EPOLLOUT : 0), .data.ptr = connection};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) < 0) return false;
    connection->waiting_to_write = wait;
  }
  return wait || nghttp2_session_want_read(connection->session) ||
         nghttp2_session_want_write(connection->session);
}

static bool receive(struct connection *connection) {
  static uint8_t buffer[receive_bytes];
  ssize_t length = recv(connection->fd, buffer, sizeof buffer, 0);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  if (!length) return false;
  return nghttp2_session_mem_recv(connection->session, buffer, (size_t)length) == length;
}

static void accept_connections(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int on = 1;  // means nothing to a Unix socket, which refuses it
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) die("calloc");
    connection->fd = fd;
    if (nghttp2_session_server_new2(&connection->session, callbacks, connection, options)) exit(1);
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window_bytes},
    };
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0,
                                          connection_window_bytes);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
    if (!flush(connection)) close_connection(connection);
  }
}

// MARK: Set-up

static int open_listener(const char *address) {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
  } name = {0};
  socklen_t length;
  if (!strncmp(address, "unix:", 5) && strlen(address + 5) < sizeof name.un.sun_path) {
    name.un.sun_family = AF_UNIX;
    strcpy(name.un.sun_path, address + 5);
    unlink(address + 5);
    length = sizeof name.un;
  } else {
    char host[64] = "";
    unsigned port = 0;
    if (sscanf(address, "%63[^:]:%u", host, &port) != 2 || port > 65535 ||
        inet_pton(AF_INET, host, &name.in.sin_addr) != 1) {
      fprintf(stderr, "%s: neither host:port nor unix:PATH\n", address);
      exit(2);
    }
    name.in.sin_family = AF_INET;
    name.in.sin_port = htons((uint16_t)port);
    length = sizeof name.in;
  }
  int fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  if (fd < 0) die("socket");
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, &name.any, length) < 0 || listen(fd, 512) < 0) die(address);
  return fd;
}

static void prepare_sessions(void) {
  if (nghttp2_session_callbacks_new(&callbacks) || nghttp2_option_new(&options)) exit(1);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_option_set_no_closed_streams(options, 1);
}

int main(int argc, char **argv) {
  int listeners[listeners_max];
  unsigned listener_count = 0;
  for (int i = 1; i < argc; i += 2) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (value && !strcmp(argv[i], "--check")) {
      load_replies(&check_replies, value);
    } else if (value && !strcmp(argv[i], "--process")) {
      load_replies(&process_replies, value);
    } else if (value && !strcmp(argv[i], "--listen") && listener_count < listeners_max) {
      listeners[listener_count++] = open_listener(value);
    } else {
      fprintf(stderr, "what is %s?\n", argv[i]);
      return 2;
    }
  }
  if (!listener_count || !check_replies.count || !process_replies.count) {
    fputs("usage: prepared-server --check FILE --process FILE --listen ADDR…\n", stderr);
    return 2;
  }
  prepare_sessions();
  if ((epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  for (unsigned i = 0; i < listener_count; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listeners[i]};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listeners[i], &event) < 0) die("epoll_ctl");
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[events_max];
    int count = epoll_wait(epoll_fd, events, events_max, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; i++) {
      int *listener = events[i].data.ptr;
      if (listener >= listeners && listener < listeners + listener_count) {
        accept_connections(*listener);
        continue;
      }
      struct connection *connection = events[i].data.ptr;
      bool alive = !(events[i].events & (EPOLLERR));
      if (alive && events[i].events & (EPOLLIN | EPOLLHUP)) alive = receive(connection);
      if (!alive || !flush(connection)) close_connection(connection);
    }
  }
}
