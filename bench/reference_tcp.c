/*
 * The reference of TCP: the least that relays connections on Linux, in C, in one thread, with the system calls that cost
 * least. It copies through one buffer, and splices once a read fills that. It looks at no byte and has no limit, timeout
 * or log.
 *
 *   reference_tcp PORT TO_PORT    both on 127.0.0.1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  EVENTS = 256,
  BACKLOG = 4096,
  BUFFER = 64 * 1024,
  PIPE_SIZE = 1024 * 1024,
  PIPES_KEPT = 16,
  /* Bytes of one direction before it is everybody else's turn. */
  SHARE = 1024 * 1024,
};

static int epoll;
static struct sockaddr_in backend;

static void die(const char *what) {
  fprintf(stderr, "reference_tcp: %s: %s\n", what, strerror(errno));
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int operation, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(epoll, operation, fd, &event) < 0) die("epoll_ctl");
}

/* One end of a relayed connection, and what came from it that the other end has not taken. */
struct end {
  int fd;
  struct end *other;
  /* Nothing more comes from it. */
  bool done;
  /* Much comes at once: then a pipe of the kernel carries it. */
  bool bulk;
  int pipe[2];
  size_t piped;
  char *rest;
  size_t rest_from, rest_to;
  /* The two of a connection are closed, and freed after the batch of events. */
  bool closed;
  struct end *next_closed;
};

static const uint32_t EVERYTHING = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
static char buffer[BUFFER];
static int kept[PIPES_KEPT][2], kept_count;
static struct end *closed;

static bool take_pipe(struct end *end) {
  if (kept_count > 0) {
    memcpy(end->pipe, kept[--kept_count], sizeof end->pipe);
    return true;
  }
  if (pipe2(end->pipe, O_NONBLOCK | O_CLOEXEC) < 0) return end->pipe[0] = -1, false;
  fcntl(end->pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
  return true;
}

static void give_pipe(struct end *end) {
  if (end->pipe[0] < 0) return;
  if (end->piped == 0 && kept_count < PIPES_KEPT) {
    memcpy(kept[kept_count++], end->pipe, sizeof end->pipe);
  } else {
    close(end->pipe[0]);
    close(end->pipe[1]);
  }
  end->pipe[0] = -1;
}

static void finish(struct end *end, bool reset) {
  struct end *both[] = {end, end->other};
  for (int i = 0; i < 2; i++) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (reset) setsockopt(both[i]->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    give_pipe(both[i]);
    free(both[i]->rest);
    close(both[i]->fd);
    both[i]->closed = true;
    both[i]->next_closed = closed;
    closed = both[i];
  }
}

static void free_closed(void) {
  for (struct end *end; (end = closed) != NULL;) {
    closed = end->next_closed;
    free(end);
  }
}

/* What a system call has returned is of the connection: it goes on, waits, or is over. */
static bool went_well(struct end *end, ssize_t result) {
  if (result < 0 && errno != EAGAIN) finish(end, true);
  return result >= 0;
}

/* Sends what is held of `from`; says whether that was all. */
static bool deliver(struct end *from) {
  while (from->rest != NULL) {
    ssize_t n = send(from->other->fd, from->rest + from->rest_from, from->rest_to - from->rest_from, MSG_NOSIGNAL);
    if (!went_well(from, n)) return false;
    if ((from->rest_from += n) < from->rest_to) continue;
    free(from->rest);
    from->rest = NULL;
  }
  while (from->piped > 0) {
    ssize_t n = splice(from->pipe[0], NULL, from->other->fd, NULL, from->piped, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (!went_well(from, n)) return false;
    from->piped -= n;
  }
  return true;
}

static ssize_t copy(struct end *from) {
  ssize_t n = recv(from->fd, buffer, BUFFER, 0);
  if (n <= 0) return n;
  ssize_t sent = send(from->other->fd, buffer, n, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return -1;
  if (sent < 0) sent = 0;
  if (sent < n) {
    from->rest = malloc(n - sent);
    if (from->rest == NULL) die("malloc");
    memcpy(from->rest, buffer + sent, n - sent);
    from->rest_from = 0;
    from->rest_to = n - sent;
  }
  if (n == BUFFER) from->bulk = true;
  return n;
}

static ssize_t into_pipe(struct end *from) {
  ssize_t n = splice(from->fd, NULL, from->pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n > 0) from->piped = n;
  return n;
}

static void end_stream(struct end *from) {
  from->done = true;
  give_pipe(from);
  if (from->other->done) finish(from, false);
  else shutdown(from->other->fd, SHUT_WR);
}

/* Relays what comes from an end; `last`: no more events will come, so a short read does not say that it was all. */
static void pump(struct end *from, bool last) {
  for (size_t taken = 0; deliver(from);) {
    if (from->done) return;
    if (taken >= SHARE) return watch(EPOLL_CTL_MOD, from->fd, EVERYTHING, from);
    bool spliced = from->bulk && (from->pipe[0] >= 0 || take_pipe(from));
    ssize_t n = spliced ? into_pipe(from) : copy(from);
    if (n == 0) return end_stream(from);
    if (n < 0) {
      if (errno != EAGAIN) return finish(from, true);
      give_pipe(from);
      if (taken < BUFFER) from->bulk = false;
      return;
    }
    taken += n;
    if (!spliced && n < BUFFER && !last && from->rest == NULL) return;
  }
}

static struct end *new_end(int fd) {
  struct end *end = calloc(1, sizeof *end);
  int on = 1;
  if (end == NULL) die("malloc");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  end->fd = fd;
  end->pipe[0] = -1;
  return end;
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    int to = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (to < 0) die("socket");
    if (connect(to, (const void *)&backend, sizeof backend) < 0 && errno != EINPROGRESS) die("connect");
    struct end *client = new_end(fd), *server = new_end(to);
    client->other = server;
    server->other = client;
    watch(EPOLL_CTL_ADD, fd, EVERYTHING, client);
    watch(EPOLL_CTL_ADD, to, EVERYTHING, server);
  }
}

static void relay(int port) {
  struct sockaddr_in at = loopback(port);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  if (listener < 0) die("socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (const void *)&at, sizeof at) < 0) die("bind");
  if (listen(listener, BACKLOG) < 0) die("listen");
  watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      struct end *end = events[i].data.ptr;
      uint32_t what = events[i].events;
      if (end == NULL) accept_all(listener);
      else if (!end->closed && what & EPOLLERR) finish(end, true);
      if (end == NULL || end->closed) continue;
      if (what & (EPOLLIN | EPOLLRDHUP)) pump(end, what & EPOLLRDHUP);
      // What the other end has sent meanwhile was an event of its own.
      if (!end->closed && what & EPOLLOUT && (end->other->rest != NULL || end->other->piped > 0)) pump(end->other, true);
    }
    free_closed();
  }
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "reference_tcp: see the top of reference_tcp.c\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  // A splice into a connection that was reset raises it.
  signal(SIGPIPE, SIG_IGN);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  backend = loopback(atoi(argv[2]));
  relay(atoi(argv[1]));
}
