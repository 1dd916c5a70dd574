/* tails: many readers that follow one append-only file over 9P2000.L while writers append to it.
 *
 *   tails HOST PORT UNAME ANAME PATH READERS WRITERS WINDOW RATE SECONDS
 *
 * Every session is a TCP connection of its own. A reader asks for what follows the last byte it has, again at
 * once while there is more, else with the next tick (20 ms). A writer keeps WINDOW lines of 128 bytes on their
 * way; with a RATE over 0 all writers together append so many lines a second. One line of JSON tells how many
 * lines were acknowledged in SECONDS, how many bytes the readers that got least and most were given, the
 * longest that one of them had to wait for bytes after its first, and how many reads were answered. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 128, MSIZE = 8192, TICK_MS = 20, ROOT = 0, FILE_FID = 1 };
enum { Rlerror = 7, Tlopen = 12, Tgetattr = 24, Tversion = 100, Tattach = 104, Twalk = 110, Tread = 116, Twrite = 118 };

struct peer {
    int fd, writes, idle, step;
    uint64_t offset, got, inflight;
    double last, longest;
    size_t have;
    uint8_t in[4 * MSIZE];
};

static char *path, *uname_, *aname;
static uint64_t acknowledged, reads, wanted;
static int measuring, window_, ready;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "tails: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* -- messages: built in one buffer, sent with one send -------------------------------------------------- */

static uint8_t out[1 << 17];
static size_t end;

static void num(uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) out[end++] = value >> 8 * i;
}

static void text(const char *s, size_t n)
{
    num(n, 2);
    memcpy(out + end, s, n);
    end += n;
}

static size_t begin(int type, int tag)
{
    size_t at = end;
    num(0, 4); num(type, 1); num(tag, 2);
    return at;
}

static void finish(size_t at)
{
    uint32_t size = end - at;
    for (int i = 0; i < 4; i++) out[at + i] = size >> 8 * i;
}

static void flush(struct peer *p)
{
    for (size_t sent = 0; sent < end;) {
        ssize_t n = send(p->fd, out + sent, end - sent, MSG_NOSIGNAL);
        if (n < 0) die("send");
        sent += n;
    }
    end = 0;
}

static void ask(struct peer *p)
{
    size_t m = begin(Tread, 1);
    num(FILE_FID, 4); num(p->offset, 8); num(MSIZE - 24, 4);
    finish(m);
    flush(p);
}

static void append(struct peer *p, uint64_t lines)
{
    static char line[LINE];
    memset(line, 'q', LINE - 1);
    line[LINE - 1] = '\n';
    for (; lines; lines--, p->inflight++) {
        size_t m = begin(Twrite, p->inflight);
        num(FILE_FID, 4); num(UINT64_MAX, 8); num(LINE, 4);
        memcpy(out + end, line, LINE);
        end += LINE;
        finish(m);
    }
    flush(p);
}

static void set_up(struct peer *p)
{
    size_t m;
    switch (p->step++) {
    case 0: m = begin(Tversion, 0xffff); num(MSIZE, 4); text("9P2000.L", 8); break;
    case 1: m = begin(Tattach, 1); num(ROOT, 4); num(~0u, 4);
            text(uname_, strlen(uname_)); text(aname, strlen(aname)); num(~0u, 4); break;
    case 2: {
        m = begin(Twalk, 1); num(ROOT, 4); num(FILE_FID, 4);
        size_t count = end; int names = 0;
        num(0, 2);
        for (char *s = path; *s; names++) {
            size_t n = strcspn(s, "/");
            text(s, n);
            s += n + (s[n] == '/');
        }
        out[count] = names;
        break;
    }
    case 3: m = begin(Tlopen, 1); num(FILE_FID, 4); num(p->writes, 4); break;
    default: m = begin(Tgetattr, 1); num(FILE_FID, 4); num(0x7ff, 8); break;
    }
    finish(m);
    flush(p);
}

static void answered(struct peer *p, uint8_t *frame)
{
    if (frame[4] == Rlerror) {
        errno = frame[7] | frame[8] << 8;
        die(p->step < 6 ? "a session was refused" : "a transfer was refused");
    }
    if (p->step < 5) { set_up(p); return; }
    if (p->step == 5) {
        memcpy(&p->offset, frame + 7 + 8 + 13 + 4 + 4 + 4 + 8 + 8, 8); /* size */
        p->step++;
        p->idle = 1;
        ready++;
        return;
    }
    if (p->writes) {
        p->inflight--;
        acknowledged += measuring;
        return;
    }
    uint32_t n;
    memcpy(&n, frame + 7, 4);
    p->offset += n;
    reads += measuring;
    if (n && measuring) {
        double t = now();
        if (t - p->last > p->longest) p->longest = t - p->last;
        p->last = t;
        p->got += n;
    }
    if (n) ask(p); else p->idle = 1;
}

static void take(struct peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->have, sizeof p->in - p->have, MSG_DONTWAIT);
    if (n <= 0) die("recv");
    p->have += n;
    size_t at = 0;
    uint32_t size;
    for (; p->have - at >= 4; at += size) {
        memcpy(&size, p->in + at, 4);
        if (size > p->have - at) break;
        answered(p, p->in + at);
    }
    memmove(p->in, p->in + at, p->have -= at);
    if (p->writes && p->step > 5 && ready && !wanted && p->inflight == 0) append(p, window_);
}

int main(int argc, char **argv)
{
    if (argc != 11) { fprintf(stderr, "usage: see tails.c\n"); return 2; }
    uname_ = argv[3]; aname = argv[4]; path = argv[5];
    int readers = atoi(argv[6]), writers = atoi(argv[7]);
    window_ = atoi(argv[8]);
    double rate = atof(argv[9]), seconds = atof(argv[10]);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *to;
    if (getaddrinfo(argv[1], argv[2], &hints, &to)) die("address");
    int all = readers + writers, ep = epoll_create1(0);
    struct peer *peers = calloc(all, sizeof *peers);
    wanted = rate > 0;
    for (int i = 0; i < all; i++) {
        struct peer *p = peers + i;
        p->writes = i >= readers;
        p->fd = socket(to->ai_family, SOCK_STREAM, 0);
        int one = 1;
        if (p->fd < 0 || connect(p->fd, to->ai_addr, to->ai_addrlen) < 0) die("connect");
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(ep, EPOLL_CTL_ADD, p->fd, &e);
        set_up(p);
    }
    double start = 0, tick = now(), stop = now() + 60, owed = 0;
    for (;;) {
        static struct epoll_event events[512];
        double t = now();
        if (!measuring && ready == all) {
            measuring = 1;
            start = t; stop = t + seconds;
            for (int i = 0; i < all; i++) {
                peers[i].last = t;
                if (peers[i].writes && !wanted) append(peers + i, window_);
            }
        }
        if (t >= stop) break;
        if (t >= tick) {
            tick = t + TICK_MS * 1e-3;
            for (int i = 0; i < readers && measuring; i++)
                if (peers[i].idle) { peers[i].idle = 0; ask(peers + i); }
            if (measuring && wanted) {
                owed += rate * TICK_MS * 1e-3;
                uint64_t room = window_ - peers[readers].inflight, lines = owed < room ? owed : room;
                owed -= lines;
                append(peers + readers, lines);
            }
        }
        int n = epoll_wait(ep, events, 512, TICK_MS / 4);
        for (int i = 0; i < n; i++) take(events[i].data.ptr);
    }
    if (!measuring) { errno = ETIMEDOUT; die("not all sessions were attached"); }
    uint64_t least = UINT64_MAX, most = 0;
    double longest = 0, took = now() - start;
    for (int i = 0; i < readers; i++) {
        struct peer *p = peers + i;
        if (p->got < least) least = p->got;
        if (p->got > most) most = p->got;
        if (p->longest > longest) longest = p->longest;
    }
    printf("{\"lines_per_s\":%.0f,\"appended\":%llu,\"least\":%llu,\"most\":%llu,\"longest_ms\":%.1f,\"reads_per_s\":%.0f}\n",
           acknowledged / took, (unsigned long long)acknowledged * LINE, (unsigned long long)least,
           (unsigned long long)most, longest * 1e3, reads / took);
    return 0;
}
