/*
 * Datagrams for the benchmark: a backend and clients, light enough that the proxy between them is what is measured.
 *
 *   datagrams echo    PORT
 *       Sends back what it gets.
 *   datagrams clients PORT COUNT
 *       Does a burst for each line `SIZE WINDOW SECONDS` on standard input: every client keeps WINDOW datagrams of SIZE
 *       bytes under way; WINDOW 0: it sends one, and waits for the end. What has not come back after RESEND_AFTER is
 *       lost, and sent anew.
 *   datagrams flood   PORT COUNT FILE SECONDS
 *       Sends the datagram in FILE from as many sockets, as fast as it can.
 *
 * Every client has a socket of its own, and so is a flow of its own, which lasts from burst to burst. Each burst prints
 * a line of JSON on standard error, a flood on standard output. An echo and clients say on standard error that they are
 * ready, and end when their standard input does, so that they do not outlive who started them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
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
  /* Datagrams for one system call. */
  BATCH = 64,
  /* The longest datagram. */
  LONGEST = 2048,
  EVENTS = 256,
  /* Clients that a burst begins with; each echo starts another one. All at once would not fit into any socket. */
  STARTING = 64,
  /* Latencies are counted by the microsecond, up to a second. */
  SLOWEST = 1000 * 1000,
};

#define RESEND_AFTER 0.2
/* In which every client has started, s. */
#define START_WITHIN 10.
/* How often lost datagrams are looked for, s. */
#define SWEEP_EVERY 0.01

/* What the clients' datagrams begin with. */
struct stamp {
  /* Goes up when what is under way is given up: what comes back after all is late, and not counted. */
  uint32_t attempt;
  uint32_t unused;
  double sent;
};

static char buffers[BATCH][LONGEST];
static struct iovec pieces[BATCH];
static struct sockaddr_in peers[BATCH];
static struct mmsghdr batch[BATCH];

static void die(const char *what) {
  fprintf(stderr, "datagrams: %s: %s\n", what, strerror(errno));
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

static int udp_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  return fd;
}

/* Receives up to `count` datagrams into the batch, each with its sender if `from`; 0 if there are none. */
static int receive(int fd, int count, bool from) {
  for (int i = 0; i < count; i++) {
    pieces[i] = (struct iovec){buffers[i], LONGEST};
    batch[i].msg_hdr = (struct msghdr){.msg_name = from ? &peers[i] : NULL,
                                       .msg_namelen = from ? sizeof peers[i] : 0,
                                       .msg_iov = &pieces[i],
                                       .msg_iovlen = 1};
  }
  int n = recvmmsg(fd, batch, count, MSG_DONTWAIT, NULL);
  return n < 0 ? 0 : n;
}

/* Sends the first `count` of the batch. What the system does not take is lost, as anywhere on the way. */
static void send_batch(int fd, int count) {
  for (int sent = 0; sent < count;) {
    int n = sendmmsg(fd, batch + sent, count - sent, MSG_DONTWAIT);
    sent += n > 0 ? n : 1;
  }
}

/* ---- echo ---- */

static int echo(const struct sockaddr_in *at) {
  int fd = udp_socket();
  int size = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (bind(fd, (const void *)at, sizeof *at) < 0) die("bind");
  fputs("ready\n", stderr);
  struct pollfd ready[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  for (;;) {
    if (poll(ready, 2, -1) < 0) die("poll");
    if (ready[1].revents) return 0;
    for (int n; (n = receive(fd, BATCH, true)) > 0;) {
      for (int i = 0; i < n; i++) pieces[i].iov_len = batch[i].msg_len;
      send_batch(fd, n);
      if (n < BATCH) break;
    }
  }
}

/* ---- clients ---- */

struct client {
  int fd;
  /* Takes part in the burst. */
  bool started;
  uint32_t attempt;
  int under_way;
  double heard;
};

static struct {
  int size, window, count, started;
  struct client *clients;
  int epoll;
} run;

static struct {
  double since;
  uint64_t echoes, lost;
  uint32_t latency[SLOWEST];
} counted;

static void open_clients(const struct sockaddr_in *to) {
  run.epoll = epoll_create1(EPOLL_CLOEXEC);
  run.clients = calloc(run.count, sizeof *run.clients);
  for (struct client *client = run.clients; client < run.clients + run.count; client++) {
    client->fd = udp_socket();
    if (connect(client->fd, (const void *)to, sizeof *to) < 0) die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, client->fd, &event) < 0) die("epoll_ctl");
  }
}

static void send_some(struct client *client, int count) {
  struct stamp stamp = {.attempt = client->attempt, .sent = now()};
  for (int i = 0; i < count; i++) {
    memcpy(buffers[i], &stamp, sizeof stamp);
    pieces[i] = (struct iovec){buffers[i], run.size};
    batch[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  send_batch(client->fd, count);
  client->under_way += count;
}

static void begin(struct client *client) {
  client->heard = now();
  send_some(client, run.window > 0 ? run.window : 1);
}

static void start_counting(void) {
  memset(&counted, 0, sizeof counted);
  counted.since = now();
}

static void start_next(void) {
  if (run.started == run.count) return;
  struct client *client = &run.clients[run.started++];
  client->started = true;
  begin(client);
  if (run.started == run.count && run.window > 0) start_counting();
}

static void count_echo(double seconds) {
  counted.echoes++;
  counted.latency[seconds < 1 ? (size_t)(seconds * SLOWEST) : SLOWEST - 1]++;
}

static void on_event(struct client *client) {
  int n = receive(client->fd, BATCH, false);
  double time = now();
  for (int i = 0; i < n; i++) {
    struct stamp stamp;
    memcpy(&stamp, buffers[i], sizeof stamp);
    if (stamp.attempt != client->attempt || client->under_way == 0) continue;
    client->under_way--;
    client->heard = time;
    count_echo(time - stamp.sent);
    start_next();
  }
  if (client->started && client->under_way < run.window) send_some(client, run.window - client->under_way);
}

/* Gives up what is under way. */
static void give_up(struct client *client) {
  client->attempt++;
  client->under_way = 0;
}

static void resend_lost(double time) {
  for (struct client *client = run.clients; client < run.clients + run.started; client++) {
    if (client->under_way == 0 || time - client->heard < RESEND_AFTER) continue;
    counted.lost += client->under_way;
    give_up(client);
    begin(client);
  }
}

static double percentile(double share) {
  uint64_t seen = 0;
  for (size_t us = 0; us < SLOWEST; us++)
    if ((seen += counted.latency[us]) > share * counted.echoes) return us;
  return 0;
}

/* It lasts from when every client has started; WINDOW 0: from now on. */
static void burst(double seconds) {
  start_counting();
  run.started = 0;
  while (run.started < run.count && run.started < STARTING) start_next();
  struct epoll_event events[EVENTS];
  double swept = counted.since;
  for (double time; (time = now()) < counted.since + (run.window > 0 && run.started < run.count ? START_WITHIN : seconds);) {
    int n = epoll_wait(run.epoll, events, EVENTS, 10);
    for (int i = 0; i < n; i++) on_event(events[i].data.ptr);
    if (time - swept < SWEEP_EVERY) continue;
    resend_lost(time);
    swept = time;
  }
  double took = now() - counted.since;
  for (struct client *client = run.clients; client < run.clients + run.count; client++) {
    client->started = false;
    give_up(client);
  }
  fprintf(stderr, "{\"clients\":%d,\"seconds\":%.4f,\"echoes\":%lu,\"lost\":%lu,", run.started, took, counted.echoes,
          counted.lost);
  fprintf(stderr, "\"p50\":%.0f,\"p99\":%.0f}\n", percentile(.5), percentile(.99));
}

/* Does a burst for each line on standard input. */
static int clients(const struct sockaddr_in *to) {
  double seconds;
  open_clients(to);
  fputs("ready\n", stderr);
  while (scanf("%d %d %lf", &run.size, &run.window, &seconds) == 3) burst(seconds);
  return 0;
}

/* ---- flood ---- */

static int flood(const struct sockaddr_in *to, int count, const char *path, double seconds) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) die(path);
  size_t size = fread(buffers[0], 1, LONGEST, file);
  fclose(file);
  int *sockets = calloc(count, sizeof *sockets);
  for (int i = 0; i < count; i++) {
    sockets[i] = udp_socket();
    if (connect(sockets[i], (const void *)to, sizeof *to) < 0) die("connect");
  }
  uint64_t sent = 0;
  double since = now();
  while (now() < since + seconds) {
    for (int i = 0; i < count; i++)
      if (send(sockets[i], buffers[0], size, 0) >= 0) sent++;
  }
  printf("{\"seconds\":%.4f,\"sent\":%lu}\n", now() - since, sent);
  return 0;
}

int main(int argc, char **argv) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (argc >= 3) {
    struct sockaddr_in address = loopback(atoi(argv[2]));
    if (argc == 3 && strcmp(argv[1], "echo") == 0) return echo(&address);
    run.count = argc >= 4 ? atoi(argv[3]) : 0;
    if (argc == 4 && strcmp(argv[1], "clients") == 0) return clients(&address);
    if (argc == 6 && strcmp(argv[1], "flood") == 0) return flood(&address, run.count, argv[4], atof(argv[5]));
  }
  fprintf(stderr, "datagrams: see the top of datagrams.c\n");
  return 2;
}
