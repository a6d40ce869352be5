/*
 * An emulated network of hosts on one machine, for `npm run e2e:mesh -- --lab`. Linux, root.
 *
 * Standard input: one line a host, UPLINK_KBPS DOWNLINK_KBPS DELAY_MS LOSS_SHARE DOWNLINK_LOSS_SHARE,
 * then an empty line.
 * The first host is the machine itself, each other one a network namespace; a TUN device joins it to this
 * switch. Standard output: one line a host, ADDRESS NAMESPACE, where a program is run by
 * `nsenter --net=NAMESPACE PROGRAM`, then "ready".
 *
 * A packet waits for the sender's uplink (first in, first out, at most QUEUE_MS), is lost or not at
 * either end, takes the sum of both delays, and waits for the receiver's downlink in the same way.
 *
 * When the input ends the switch prints one line a host, SENT LOST DROPPED packets, and ends. Namespaces and
 * devices have no names outside this process, so that nothing is left behind however it ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define HOSTS_MAX 250
#define PACKETS_MAX 200000
#define PACKET_BYTES_MAX 1500
#define QUEUE_MS 300
/* 198.18.0.0/15 is for tests of networks (RFC 2544, appendix C.2.2). */
#define NETWORK 0xc6120000u
#define NETMASK 0xffff0000u

struct link {
    double kbps, free_at;
};

struct host {
    int tun;
    struct link up, down;
    double delay_ms, loss, down_loss;
    unsigned long sent, lost, dropped;
};

struct packet {
    double at; /* when it comes to the downlink, or, after that, when it has left it */
    uint64_t order; /* among packets of one instant */
    int to, length, is_through;
    unsigned char *bytes;
};

static struct host hosts[HOSTS_MAX];
static int host_count;
static struct packet heap[PACKETS_MAX];
static int packet_count;
static uint64_t orders;

static void fail(const char *what) {
    fprintf(stderr, "switch: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int is_before(const struct packet *a, const struct packet *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct packet packet) {
    int at = packet_count++;
    packet.order = orders++;
    for (; at > 0 && is_before(&packet, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = packet;
}

static struct packet pop(void) {
    struct packet first = heap[0], last = heap[--packet_count];
    int at = 0;
    for (int child; (child = 2 * at + 1) < packet_count; at = child) {
        if (child + 1 < packet_count && is_before(&heap[child + 1], &heap[child])) child++;
        if (!is_before(&heap[child], &last)) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

/* When a packet that comes to a link now has left it, or -1 if its queue is full. */
static double through(struct link *link, double now, int length) {
    double from = link->free_at > now ? link->free_at : now;
    if (from - now > QUEUE_MS) return -1;
    return link->free_at = from + length * 8 / link->kbps;
}

/* Brings an interface of this thread's namespace up; `address` 0 leaves it without one. */
static void bring_up(const char *name, uint32_t address) {
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;
    if (s < 0) fail("socket");
    strcpy(request.ifr_name, name);
    in->sin_family = AF_INET;
    if (address != 0) {
        in->sin_addr.s_addr = htonl(address);
        if (ioctl(s, SIOCSIFADDR, &request)) fail("SIOCSIFADDR");
        in->sin_addr.s_addr = htonl(NETMASK);
        if (ioctl(s, SIOCSIFNETMASK, &request)) fail("SIOCSIFNETMASK");
    }
    if (ioctl(s, SIOCGIFFLAGS, &request)) fail("SIOCGIFFLAGS");
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(s, SIOCSIFFLAGS, &request)) fail("SIOCSIFFLAGS");
    close(s);
}

/* Makes a host's namespace, and moves to it; the first host stays where the switch was started. */
static void create_host(int index) {
    uint32_t address = NETWORK + index + 1;
    struct in_addr text = {htonl(address)};
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "starling%d"};
    if (index > 0) {
        if (unshare(CLONE_NEWNET)) fail("a network namespace (root is needed)");
        bring_up("lo", 0);
    }
    int namespace = open("/proc/thread-self/ns/net", O_RDONLY);
    hosts[index].tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (hosts[index].tun < 0) fail("/dev/net/tun");
    if (ioctl(hosts[index].tun, TUNSETIFF, &request)) fail("TUNSETIFF");
    bring_up(request.ifr_name, address);
    printf("%s /proc/%d/fd/%d\n", inet_ntoa(text), getpid(), namespace);
}

static void read_hosts(void) {
    char line[128];
    while (fgets(line, sizeof line, stdin) && line[0] != '\n') {
        struct host *host = &hosts[host_count];
        int fields = host_count == HOSTS_MAX ? 0 : sscanf(line, "%lf %lf %lf %lf %lf",
            &host->up.kbps, &host->down.kbps, &host->delay_ms, &host->loss, &host->down_loss);
        if (fields != 5 || host->up.kbps <= 0 || host->down.kbps <= 0) {
            fprintf(stderr, "switch: expected five numbers: %s", line);
            exit(2);
        }
        host_count++;
    }
    for (int index = 0; index < host_count; index++) create_host(index);
    printf("ready\n");
    fflush(stdout);
}

/* Takes a packet that a host sends. */
static void carry(struct host *from, const unsigned char *bytes, int length, double now) {
    uint32_t address;
    if (length < 20 || bytes[0] >> 4 != 4) return;
    memcpy(&address, bytes + 16, 4);
    int to = (int)(ntohl(address) - NETWORK) - 1;
    if (to < 0 || to >= host_count) return;
    from->sent++;
    double left = through(&from->up, now, length);
    if (left < 0 || packet_count == PACKETS_MAX) {
        from->dropped++;
        return;
    }
    if (drand48() < from->loss) {
        from->lost++;
        return;
    }
    if (drand48() < hosts[to].down_loss) {
        hosts[to].lost++;
        return;
    }
    struct packet packet = {.at = left + from->delay_ms + hosts[to].delay_ms, .to = to, .length = length};
    if ((packet.bytes = malloc(length)) == NULL) fail("malloc");
    memcpy(packet.bytes, bytes, length);
    push(packet);
}

/* Lets everything happen that is due. */
static void advance(double now) {
    while (packet_count > 0 && heap[0].at <= now) {
        struct packet packet = pop();
        struct host *to = &hosts[packet.to];
        if (!packet.is_through) {
            packet.at = through(&to->down, packet.at, packet.length);
            packet.is_through = 1;
            if (packet.at >= 0) {
                push(packet);
                continue;
            }
            to->dropped++;
        } else if (write(to->tun, packet.bytes, packet.length) < 0) to->dropped++;
        free(packet.bytes);
    }
}

static void receive(struct host *host) {
    unsigned char bytes[PACKET_BYTES_MAX];
    for (int count = 0; count < 64; count++) {
        int length = read(host->tun, bytes, sizeof bytes);
        if (length <= 0) return;
        carry(host, bytes, length, now_ms());
    }
}

int main(void) {
    struct pollfd polled[HOSTS_MAX + 1];
    read_hosts();
    setpriority(PRIO_PROCESS, 0, -15); /* Links keep time while their hosts are busy. */
    for (int index = 0; index < host_count; index++)
        polled[index] = (struct pollfd){hosts[index].tun, POLLIN, 0};
    polled[host_count] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
    while (!(polled[host_count].revents & (POLLIN | POLLHUP))) {
        double now = now_ms(), wait_ms = 1000;
        advance(now);
        if (packet_count > 0 && heap[0].at - now < wait_ms) wait_ms = heap[0].at - now;
        struct timespec wait = {(time_t)(wait_ms / 1e3), (long)(wait_ms * 1e6) % 1000000000};
        if (ppoll(polled, host_count + 1, &wait, NULL) < 0 && errno != EINTR) fail("ppoll");
        for (int index = 0; index < host_count; index++)
            if (polled[index].revents & POLLIN) receive(&hosts[index]);
    }
    for (int index = 0; index < host_count; index++)
        printf("%lu %lu %lu\n", hosts[index].sent, hosts[index].lost, hosts[index].dropped);
    return 0;
}
