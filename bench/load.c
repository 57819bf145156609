/*
 * Load for the benchmark: backends and clients, light enough that the proxy between them is what is measured.
 *
 *   load backend ECHO_PORT SOURCE_PORT EITHER_PORT
 *       Sends back what it gets on the first port; on the second, sends without end once the first bytes came; on the
 *       third does what the name in the first bytes asks for, for proxies that do not look at them.
 *   load rate     PORT CONNECTIONS SECONDS PRELUDE    so many at once: connect, prelude and its echo, close, again
 *   load pingpong PORT CONNECTIONS SECONDS PRELUDE    64 bytes there and back on each, again and again
 *   load bulk     PORT CONNECTIONS SECONDS PRELUDE    receive as much as comes
 *   load idle     PORT CONNECTIONS 0       PRELUDE    hold them open
 *
 * Every connection begins with the prelude (the bytes of that file), by which a proxy knows where to send it.
 * Clients print one line of JSON. A backend and idle clients stay: they say on standard error that they are
 * ready, and end when their standard input does, so that they do not outlive who started them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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
#include <time.h>
#include <unistd.h>

enum {
  BUFFER = 256 * 1024,
  PAYLOAD = 64,
  EVENTS = 256,
  /* Most connections that are being opened at once: fewer than any listener's backlog. */
  OPENING = 64,
  /* In which all are open, s. */
  OPEN_WITHIN = 30,
  /* With more failures than this a run is pointless. */
  MAX_ERRORS = 100,
  /* Latencies are counted by the microsecond, up to a second. */
  SLOWEST = 1000 * 1000,
};

/* Who asks for this name wants the source. */
#define SOURCE_NAME "source.example"

static char buffer[BUFFER];
static const char payload[PAYLOAD];
static int epoll;

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int tcp_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}

static void watch(int operation, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(epoll, operation, fd, &event) < 0) die("epoll_ctl");
}

/* ---- backend ---- */

struct peer {
  enum { LISTENER, CONNECTION, STANDARD_INPUT } kind;
  int fd;
  /* Sends back what it gets, sends without end, or does what the first bytes ask for. */
  enum role { ECHO, SOURCE, EITHER } role;
};

static struct peer *new_peer(int kind, int fd, enum role role) {
  struct peer *peer = malloc(sizeof *peer);
  if (peer == NULL) die("malloc");
  *peer = (struct peer){.kind = kind, .fd = fd, .role = role};
  watch(EPOLL_CTL_ADD, fd, EPOLLIN, peer);
  return peer;
}

static void listen_on(int port, enum role role) {
  struct sockaddr_in address = loopback(port);
  int fd = tcp_socket();
  if (bind(fd, (void *)&address, sizeof address) < 0) die("bind");
  if (listen(fd, 4096) < 0) die("listen");
  new_peer(LISTENER, fd, role);
}

static void close_peer(struct peer *peer) {
  close(peer->fd);
  free(peer);
}

/* An echo is never more than a socket's send buffer takes at once, or the harness is wrong. */
static void serve(struct peer *peer, uint32_t events) {
  if (events & EPOLLOUT) {
    if (send(peer->fd, buffer, BUFFER, MSG_NOSIGNAL) < 0 && errno != EAGAIN) close_peer(peer);
    return;
  }
  ssize_t n = recv(peer->fd, buffer, BUFFER, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return close_peer(peer);
  if (peer->role == EITHER) peer->role = memmem(buffer, n, SOURCE_NAME, sizeof SOURCE_NAME - 1) == NULL ? ECHO : SOURCE;
  if (peer->role == SOURCE) return watch(EPOLL_CTL_MOD, peer->fd, EPOLLOUT, peer);
  if (send(peer->fd, buffer, n, MSG_NOSIGNAL) != n) close_peer(peer);
}

static int backend(int echo_port, int source_port, int either_port) {
  listen_on(echo_port, ECHO);
  listen_on(source_port, SOURCE);
  listen_on(either_port, EITHER);
  new_peer(STANDARD_INPUT, STDIN_FILENO, ECHO);
  fputs("ready\n", stderr);
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      struct peer *peer = events[i].data.ptr;
      if (peer->kind == STANDARD_INPUT) return 0;
      if (peer->kind == CONNECTION) {
        serve(peer, events[i].events);
        continue;
      }
      for (int fd; (fd = accept4(peer->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        new_peer(CONNECTION, fd, peer->role);
      }
    }
  }
}

/* ---- clients ---- */

enum mode { RATE, PINGPONG, BULK, IDLE };

struct client {
  int fd;
  enum { CONNECTING, PRELUDE, RUNNING } state;
  /* Bytes of the exchange under way that have not come back, and when it began (rate: the connection). */
  size_t missing;
  double since;
};

static struct {
  enum mode mode;
  struct sockaddr_in to;
  char prelude[16 * 1024];
  size_t prelude_size;
  struct client *clients;
  int count, opened, running;
} run;

/* What is counted, since every connection is running (rate: since the start). */
static struct {
  double since;
  uint64_t exchanges, bytes, errors;
  uint32_t latency[SLOWEST];
} counted;

static void open_client(struct client *client) {
  *client = (struct client){.fd = tcp_socket(), .state = CONNECTING, .since = now()};
  if (connect(client->fd, (void *)&run.to, sizeof run.to) < 0 && errno != EINPROGRESS) die("connect");
  watch(EPOLL_CTL_ADD, client->fd, EPOLLOUT, client);
}

static void fail(struct client *client) {
  counted.errors++;
  close(client->fd);
  if (run.mode == RATE && counted.errors < MAX_ERRORS) open_client(client);
}

static void begin_exchange(struct client *client, const char *bytes, size_t size) {
  client->missing = size;
  if (send(client->fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) fail(client);
}

static void end_exchange(struct client *client) {
  double seconds = now() - client->since;
  counted.exchanges++;
  counted.latency[seconds < 1 ? (size_t)(seconds * SLOWEST) : SLOWEST - 1]++;
}

/* The connection was routed: its prelude has come back, or for bulk, anything at all. */
static void begin_running(struct client *client) {
  client->state = RUNNING;
  if (run.opened < run.count) open_client(&run.clients[run.opened++]);
  if (++run.running == run.count) {
    memset(&counted, 0, sizeof counted);
    counted.since = now();
  }
  client->since = now();
  if (run.mode == PINGPONG) begin_exchange(client, payload, PAYLOAD);
}

static void receive(struct client *client) {
  ssize_t n = recv(client->fd, buffer, BUFFER, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return fail(client);
  if (run.mode == BULK) {
    counted.bytes += n;
    if (client->state == PRELUDE) begin_running(client);
    return;
  }
  if ((size_t)n > client->missing) return fail(client);
  client->missing -= n;
  if (client->missing > 0) return;
  if (run.mode == RATE) {
    end_exchange(client);
    close(client->fd);
    open_client(client);
  } else if (client->state == PRELUDE) {
    begin_running(client);
  } else {
    end_exchange(client);
    client->since = now();
    begin_exchange(client, payload, PAYLOAD);
  }
}

static void on_event(struct client *client) {
  if (client->state != CONNECTING) return receive(client);
  client->state = PRELUDE;
  watch(EPOLL_CTL_MOD, client->fd, EPOLLIN, client);
  begin_exchange(client, run.prelude, run.prelude_size);
}

static double percentile(double share) {
  uint64_t seen = 0;
  for (size_t us = 0; us < SLOWEST; us++)
    if ((seen += counted.latency[us]) > share * counted.exchanges) return us;
  return 0;
}

static void print_counted(FILE *to) {
  fprintf(to, "{\"running\":%d,\"errors\":%lu,\"seconds\":%.4f,\"exchanges\":%lu,\"bytes\":%lu,", run.running,
          counted.errors, now() - counted.since, counted.exchanges, counted.bytes);
  fprintf(to, "\"p50\":%.0f,\"p99\":%.0f}\n", percentile(.5), percentile(.99));
}

/* A burst begins when every connection is running, at a rate at once. */
static bool is_over(double started, double seconds) {
  if (counted.errors >= MAX_ERRORS) return true;
  if (run.mode == RATE) return now() >= started + seconds;
  if (run.running < run.count) return now() >= started + OPEN_WITHIN;
  return run.mode == IDLE || now() >= counted.since + seconds;
}

static int clients(double seconds) {
  struct epoll_event events[EVENTS];
  run.clients = calloc(run.count, sizeof *run.clients);
  counted.since = now();
  while (run.opened < run.count && run.opened < OPENING) open_client(&run.clients[run.opened++]);
  double started = now();
  while (!is_over(started, seconds)) {
    int n = epoll_wait(epoll, events, EVENTS, 100);
    for (int i = 0; i < n; i++) on_event(events[i].data.ptr);
  }
  print_counted(run.mode == IDLE ? stderr : stdout);
  if (run.mode == IDLE)
    while (read(STDIN_FILENO, buffer, BUFFER) > 0) continue;
  return 0;
}

static void read_prelude(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) die(path);
  run.prelude_size = fread(run.prelude, 1, sizeof run.prelude, file);
  fclose(file);
}

int main(int argc, char **argv) {
  static const char *const modes[] = {[RATE] = "rate", [PINGPONG] = "pingpong", [BULK] = "bulk", [IDLE] = "idle"};
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (argc == 5 && strcmp(argv[1], "backend") == 0) return backend(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
  for (enum mode mode = RATE; argc == 6 && mode <= IDLE; mode++) {
    if (strcmp(argv[1], modes[mode]) != 0) continue;
    run.mode = mode;
    run.to = loopback(atoi(argv[2]));
    run.count = atoi(argv[3]);
    read_prelude(argv[5]);
    return clients(atof(argv[4]));
  }
  fprintf(stderr, "load: see the top of load.c\n");
  return 2;
}
