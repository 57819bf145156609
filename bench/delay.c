/*
 * A long way between two network namespaces: every packet takes a while, in both directions.
 *
 *   delay DEVICE NAMESPACE MILLISECONDS
 *       Carries packets between the TUN device of that name in this namespace and the one in the other (a path such
 *       as /proc/1/ns/net), each so much later. Both devices exist already. Says "ready" on standard error, and ends
 *       when its standard input does.
 *
 * Kernels have a queue for this (netem), but not every kernel has it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
  LONGEST = 65536,
  /* Packets on their way in one direction; further ones are dropped, as a full queue does. */
  MOST = 65536,
  /* Packets that are taken from one device before the other one is looked at. */
  TURN = 64,
};

struct packet {
  int64_t due;
  int length;
  char *bytes;
};

/* One direction: a ring of what is on its way. */
struct direction {
  int from, to;
  unsigned first, count;
  struct packet packets[MOST];
};

static void die(const char *what) {
  fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int attach(const char *device) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) die("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) die(device);
  return fd;
}

static void take(struct direction *way, int64_t delay) {
  static char buffer[LONGEST];
  for (int i = 0; i < TURN; i++) {
    int length = read(way->from, buffer, sizeof buffer);
    if (length <= 0) return;
    if (way->count == MOST) continue;
    struct packet *packet = &way->packets[(way->first + way->count++) % MOST];
    packet->due = now() + delay;
    packet->length = length;
    packet->bytes = malloc(length);
    if (packet->bytes == NULL) die("malloc");
    memcpy(packet->bytes, buffer, length);
  }
}

/* Returns how long until the next one is due, ns; -1 if there is none. */
static int64_t deliver(struct direction *way) {
  while (way->count > 0) {
    struct packet *packet = &way->packets[way->first];
    int64_t left = packet->due - now();
    if (left > 0) return left;
    /* What a device does not take is lost. */
    if (write(way->to, packet->bytes, packet->length) < 0 && errno != EAGAIN) perror("delay: write");
    free(packet->bytes);
    way->first = (way->first + 1) % MOST;
    way->count--;
  }
  return -1;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: see the top of delay.c\n");
    return 2;
  }
  int64_t delay = atof(argv[3]) * 1e6;
  int here = attach(argv[1]);
  int namespace = open(argv[2], O_RDONLY | O_CLOEXEC);
  if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) die(argv[2]);
  int there = attach(argv[1]);
  static struct direction out, back;
  out.from = back.to = here;
  out.to = back.from = there;
  fprintf(stderr, "ready\n");
  for (;;) {
    int64_t a = deliver(&out), b = deliver(&back);
    int64_t wait = a < 0 || (b >= 0 && b < a) ? b : a;
    struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
    struct pollfd polled[] = {{here, POLLIN, 0}, {there, POLLIN, 0}, {0, POLLIN, 0}};
    if (ppoll(polled, 3, wait < 0 ? NULL : &timeout, NULL) < 0) die("ppoll");
    if (polled[2].revents != 0) return 0;
    take(&out, delay);
    take(&back, delay);
  }
}
