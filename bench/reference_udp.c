/*
 * The reference of UDP: the least that relays datagrams on Linux, in C, in one thread, with the system calls that cost
 * least: recvmmsg and sendmmsg. Each client has a socket of its own towards the backend. It looks at no byte and has no
 * limit, lifetime or log.
 *
 *   reference_udp PORT TO_PORT    both on 127.0.0.1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
  EVENTS = 256,
  /* Datagrams for one system call, and the longest of them. */
  BATCH = 64,
  LONGEST = 2048,
  /* Calls for datagrams of clients before it is the backend's turn. */
  TURNS = 8,
  SOCKET_BUFFER = 4 * 1024 * 1024,
};

static int epoll;
static struct sockaddr_in backend;

static void die(const char *what) {
  fprintf(stderr, "reference_udp: %s: %s\n", what, strerror(errno));
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int fd, void *data) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

/* Datagrams of one system call. */
struct batch {
  struct mmsghdr headers[BATCH];
  struct iovec pieces[BATCH];
  struct sockaddr_in peers[BATCH];
  char bytes[BATCH][LONGEST];
  int count;
};

/* Clients by their port: all of them are on one address. */
static struct flow {
  int fd;
  struct sockaddr_in client;
} flows[65536];

static struct batch up, down;

static void clear(struct batch *batch, bool named) {
  for (int i = 0; i < BATCH; i++) {
    batch->pieces[i] = (struct iovec){batch->bytes[i], LONGEST};
    batch->headers[i].msg_hdr = (struct msghdr){.msg_iov = &batch->pieces[i], .msg_iovlen = 1};
    if (!named) continue;
    batch->headers[i].msg_hdr.msg_name = &batch->peers[i];
    batch->headers[i].msg_hdr.msg_namelen = sizeof batch->peers[i];
  }
  batch->count = 0;
}

/* What the system does not take is lost, as anywhere on the way. */
static void send_all(int fd, struct mmsghdr *headers, int count) {
  for (int sent = 0; sent < count;) {
    int n = sendmmsg(fd, headers + sent, count - sent, MSG_DONTWAIT);
    sent += n > 0 ? n : 1;
  }
}

static int udp_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = SOCKET_BUFFER;
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  return fd;
}

static struct flow *flow_of(const struct sockaddr_in *client) {
  struct flow *flow = &flows[client->sin_port];
  if (flow->fd > 0) return flow;
  flow->client = *client;
  flow->fd = udp_socket();
  if (connect(flow->fd, (const void *)&backend, sizeof backend) < 0) die("connect");
  watch(flow->fd, flow);
  return flow;
}

/* From clients to the backend; neighbours of one client in one call. */
static void forward(int listener) {
  for (int turn = 0; turn < TURNS; turn++) {
    int n = recvmmsg(listener, up.headers, BATCH, MSG_DONTWAIT, NULL);
    for (int from = 0, to; from < n; from = to) {
      struct flow *flow = flow_of(&up.peers[from]);
      for (to = from; to < n && up.peers[to].sin_port == up.peers[from].sin_port; to++) {
        up.pieces[to].iov_len = up.headers[to].msg_len;
        up.headers[to].msg_hdr.msg_name = NULL;
        up.headers[to].msg_hdr.msg_namelen = 0;
      }
      send_all(flow->fd, up.headers + from, to - from);
    }
    if (n > 0) clear(&up, true);
    if (n < BATCH) return;
  }
}

static void flush(int listener) {
  if (down.count == 0) return;
  send_all(listener, down.headers, down.count);
  clear(&down, false);
}

/* From the backend into the batch for clients, which is sent when it is full or nothing more is there. */
static void collect(int listener, struct flow *flow) {
  int n = recvmmsg(flow->fd, down.headers + down.count, BATCH - down.count, MSG_DONTWAIT, NULL);
  for (; n > 0; n--, down.count++) {
    down.pieces[down.count].iov_len = down.headers[down.count].msg_len;
    down.headers[down.count].msg_hdr.msg_name = &flow->client;
    down.headers[down.count].msg_hdr.msg_namelen = sizeof flow->client;
  }
  if (down.count == BATCH) flush(listener);
}

static void relay(int port) {
  struct sockaddr_in at = loopback(port);
  int listener = udp_socket();
  if (bind(listener, (const void *)&at, sizeof at) < 0) die("bind");
  watch(listener, NULL);
  clear(&up, true);
  clear(&down, false);
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr == NULL) forward(listener);
      else collect(listener, events[i].data.ptr);
    }
    flush(listener);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "reference_udp: see the top of reference_udp.c\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  backend = loopback(atoi(argv[2]));
  relay(atoi(argv[1]));
}
