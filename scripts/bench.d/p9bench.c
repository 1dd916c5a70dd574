/*
 * p9bench: a closed-loop load generator for 9P2000.L servers.
 *
 * Opens N sessions over TCP or a unix socket, negotiates version and attaches in each, keeps W requests
 * outstanding per session for S seconds, and prints one line of JSON. One thread, epoll, no dependencies:
 *
 *     gcc -O2 -Wall -Wextra -o p9bench p9bench.c
 *
 * Run with -h for the options and the list of workloads. scripts/bench 9p runs it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ wire */

enum {
    Rlerror = 7, Tlopen = 12, Rlopen = 13, Tgetattr = 24, Rgetattr = 25,
    Treaddir = 40, Rreaddir = 41, Tversion = 100, Rversion = 101,
    Tattach = 104, Rattach = 105, Twalk = 110, Rwalk = 111, Tread = 116,
    Rread = 117, Twrite = 118, Rwrite = 119, Tclunk = 120, Rclunk = 121
};
#define NOTAG 0xffffu
#define NOFID 0xffffffffu
#define MAXWELEM 16
#define SETUP_TAG 0xfff0u /* tag used while a session is being prepared */

static const char dialect[] = "9P2000.L";

static inline void put16(uint8_t *p, uint16_t v) { p[0] = v; p[1] = v >> 8; }
static inline void put32(uint8_t *p, uint32_t v) { put16(p, v); put16(p + 2, v >> 16); }
static inline void put64(uint8_t *p, uint64_t v) { put32(p, v); put32(p + 4, v >> 32); }
static inline uint16_t get16(const uint8_t *p) { return p[0] | p[1] << 8; }
static inline uint32_t get32(const uint8_t *p) { return get16(p) | (uint32_t)get16(p + 2) << 16; }
static inline uint64_t get64(const uint8_t *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }

/* --------------------------------------------------------------- options */

enum workload { W_GETATTR, W_WALK, W_READ, W_APPEND, W_OPENCLOSE, W_READDIR,
                W_LIST, W_ATTACH, W_MIXED, W_COUNT };
static const char *const workload_name[W_COUNT] = {
    "getattr", "walk", "read", "append", "openclose", "readdir", "list",
    "attach", "mixed"};

static struct {
    enum workload workload;
    int sessions, window, fixed_offset, rst, progress_s;
    double seconds, warmup;
    uint32_t msize, bytes, uid;
    uint64_t offset;
    const char *addr, *path, *apath, *uname, *aname;
    pid_t pid;
} opt = {
    .workload = W_GETATTR, .sessions = 1, .window = 1, .seconds = 2,
    .warmup = 0.2, .msize = 8192, .bytes = 128, .path = "", .apath = NULL,
    .uname = "root", .aname = "", .uid = 0, .progress_s = 10};

static void usage(FILE *f)
{
    fputs(
"usage: p9bench [options] ADDRESS\n"
"\n"
"ADDRESS is HOST:PORT or unix:PATH.  Prints one JSON line on stdout.\n"
"\n"
"  -w, --workload NAME   one of (default getattr):\n"
"        getattr    Tgetattr on a walked fid\n"
"        walk       Twalk of --path to a new fid, then Tclunk\n"
"        read       Tread of --bytes at --offset (0) of --path\n"
"        append     Twrite of --bytes to --append-path, offset growing by\n"
"                   --bytes each time (or fixed with --fixed-offset)\n"
"        openclose  Twalk of --path + Tlopen(O_RDONLY) + Tclunk\n"
"        readdir    one Treaddir, offset 0, count --bytes, of --path\n"
"        list       Treaddir of --path from offset 0 until it is empty\n"
"        attach     connect + Tversion + Tattach + close (no pipelining;\n"
"                   --sessions of them at a time)\n"
"        mixed      70% read, 20% append, 10% walk+clunk, in random order\n"
"  -s, --sessions N      connections (1)\n"
"  -W, --window N        outstanding operations per session (1)\n"
"  -t, --seconds S       measured time (2)\n"
"      --warmup S        run this long before measuring (0.2)\n"
"  -m, --msize N         msize to offer (8192)\n"
"  -n, --bytes N         bytes per read/write/readdir (128)\n"
"  -o, --offset N        offset for read, first offset for append (0)\n"
"      --fixed-offset    append always writes at --offset\n"
"  -p, --path P          path below the attach point, '/'-separated; '%d'\n"
"                        becomes the session's number\n"
"  -a, --append-path P   file for append/mixed (default: --path)\n"
"      --uname S         user name in Tattach (root)\n"
"      --aname S         attach name (\"\"); also a diod export path\n"
"      --uid N           n_uname in Tattach (0)\n"
"      --pid PID         read this server process's CPU time before and after\n"
"                        (all its threads) and report it per 100k operations\n"
"      --rst             attach: close with RST instead of FIN\n"
"      --stall S         give up when nothing is answered for S seconds (10)\n"
"\n"
"An operation may take several requests (walk, openclose, list): `ops' counts\n"
"operations, `msgs' counts requests.  Answers may come back in any order.\n"
"Rlerror and short walks are counted in `errors', not in `ops'; reads\n"
"that return fewer bytes than asked are counted in `short' and in `ops'.\n"
"Exit status: 0 done (look at `errors'), 1 could not run, 2 usage.\n", f);
}

/* ------------------------------------------------------------ small tools */

static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("p9bench: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

/* Log-linear histogram: 64 sub-buckets per power of two, under 1.6 % error. */
#define HSUB 6
#define HN ((64 - HSUB + 1) << HSUB)
static uint64_t hist[HN]; /* of all sessions; each has one of its own besides */

static inline unsigned hist_index(uint64_t v)
{
    if (v < (1u << HSUB)) return v;
    unsigned e = 63 - __builtin_clzll(v);
    return ((e - HSUB + 1) << HSUB) + ((v >> (e - HSUB)) & ((1u << HSUB) - 1));
}

static double hist_value(unsigned i)
{
    unsigned e = i >> HSUB, m = i & ((1u << HSUB) - 1);
    if (e == 0) return m;
    return ((double)(m + (1u << HSUB)) + 0.5) * (double)(1ull << (e - 1));
}

static double percentile_us(const uint64_t *h, double p)
{
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < HN; i++) total += h[i];
    uint64_t want = (uint64_t)(p * (double)total);
    for (unsigned i = 0; i < HN; i++) {
        seen += h[i];
        if (seen > want) return hist_value(i) / 1000.0;
    }
    return 0;
}

/* CPU seconds used by all threads of a process, from its tasks' schedstat. */
static double process_cpu_s(pid_t pid)
{
    char path[300];
    double ns = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    if (!d) return -1;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, e->d_name);
        FILE *f = fopen(path, "r");
        unsigned long long run;
        if (f && fscanf(f, "%llu", &run) == 1) ns += (double)run;
        if (f) fclose(f);
    }
    closedir(d);
    return ns / 1e9;
}

static double own_cpu_s(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* --------------------------------------------------------------- sessions */

enum { FID_ROOT = 0, FID_DATA = 1, FID_APPEND = 2, FID_SLOT = 16 };
enum opkind { OP_GETATTR, OP_WALK, OP_READ, OP_APPEND, OP_OPENCLOSE,
              OP_READDIR, OP_LIST, OP_ATTACH };
enum state { S_CONNECTING, S_VERSION, S_ATTACH, S_SETUP, S_READY, S_RUN };

struct slot {            /* one outstanding operation */
    uint64_t start, dir_offset;
    uint8_t kind, step, busy;
};

struct names { int n; const char *s[MAXWELEM]; uint16_t len[MAXWELEM]; };

struct session {
    int fd, id, setup_step;
    enum state state;
    uint32_t msize, inflight;
    uint64_t append_offset, attach_start, *hist;
    char *path_text, *apath_text;
    struct names path, apath;
    struct slot *slot;
    uint8_t *in, *out;
    size_t in_len, in_cap, out_len, out_off, out_cap;
    int want_out;
};

static struct {
    uint64_t ops, msgs, errors, shorts, bytes;
    int measuring, stopping;
    int ready;
    uint32_t first_ecode;
    uint64_t last_progress;
} st;

static int ep;
static uint8_t *payload;
static uint64_t rng = 0x9e3779b97f4a7c15u;
static struct sockaddr_storage peer;
static socklen_t peer_len;

static void parse_address(const char *a)
{
    if (!strncmp(a, "unix:", 5)) {
        struct sockaddr_un *u = (void *)&peer;
        if (strlen(a + 5) >= sizeof u->sun_path) die("socket path too long");
        u->sun_family = AF_UNIX;
        strcpy(u->sun_path, a + 5);
        peer_len = sizeof *u;
        return;
    }
    const char *colon = strrchr(a, ':');
    if (!colon) die("address must be HOST:PORT or unix:PATH");
    char host[256];
    snprintf(host, sizeof host, "%.*s", (int)(colon - a), a);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *r;
    int rc = getaddrinfo(host, colon + 1, &hints, &r);
    if (rc) die("%s: %s", a, gai_strerror(rc));
    memcpy(&peer, r->ai_addr, r->ai_addrlen);
    peer_len = r->ai_addrlen;
    freeaddrinfo(r);
}

static void split_path(char *text, struct names *out)
{
    out->n = 0;
    for (char *save = NULL, *c = strtok_r(text, "/", &save); c; c = strtok_r(NULL, "/", &save)) {
        if (out->n == MAXWELEM) die("path has more than %d components", MAXWELEM);
        out->s[out->n] = c;
        out->len[out->n++] = strlen(c);
    }
}

static char *expand(const char *path, int id)
{
    char *out = NULL;
    const char *mark = strstr(path, "%d");
    if (!mark) { out = strdup(path); }
    else if (asprintf(&out, "%.*s%d%s", (int)(mark - path), path, id, mark + 2) < 0) out = NULL;
    if (!out) die("out of memory");
    return out;
}

/* --- output buffer: messages are appended, flush() sends them together --- */

static void flush_out(struct session *s)
{
    while (s->out_off < s->out_len) {
        ssize_t n = send(s->fd, s->out + s->out_off, s->out_len - s->out_off, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) break;
            die("session %d: send: %s", s->id, strerror(errno));
        }
        s->out_off += (size_t)n;
    }
    if (s->out_off == s->out_len) s->out_off = s->out_len = 0;
    int want = s->out_len > 0;
    if (want != s->want_out) {
        struct epoll_event e = {.events = EPOLLIN | (want ? EPOLLOUT : 0), .data.ptr = s};
        epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &e);
        s->want_out = want;
    }
}

static uint8_t *msg(struct session *s, uint8_t type, uint16_t tag, size_t body)
{
    size_t size = 7 + body;
    if (s->out_len + size > s->out_cap) {
        s->out_cap = (s->out_len + size) * 2;
        s->out = realloc(s->out, s->out_cap);
        if (!s->out) die("out of memory");
    }
    uint8_t *p = s->out + s->out_len;
    s->out_len += size;
    put32(p, size);
    p[4] = type;
    put16(p + 5, tag);
    if (st.measuring) st.msgs++;
    return p + 7;
}

static uint8_t *put_str(uint8_t *p, const char *str, size_t n)
{
    put16(p, n);
    memcpy(p + 2, str, n);
    return p + 2 + n;
}

static void send_version(struct session *s)
{
    uint8_t *p = msg(s, Tversion, NOTAG, 4 + 2 + strlen(dialect));
    put32(p, opt.msize);
    put_str(p + 4, dialect, strlen(dialect));
}

static void send_attach(struct session *s, uint16_t tag)
{
    size_t nu = strlen(opt.uname), na = strlen(opt.aname);
    uint8_t *p = msg(s, Tattach, tag, 8 + 2 + nu + 2 + na + 4);
    put32(p, FID_ROOT);
    put32(p + 4, NOFID);
    p = put_str(p + 8, opt.uname, nu);
    p = put_str(p, opt.aname, na);
    put32(p, opt.uid);
}

static void send_walk(struct session *s, uint16_t tag, uint32_t newfid, const struct names *w)
{
    size_t body = 10;
    for (int i = 0; i < w->n; i++) body += 2 + w->len[i];
    uint8_t *p = msg(s, Twalk, tag, body);
    put32(p, FID_ROOT);
    put32(p + 4, newfid);
    put16(p + 8, w->n);
    p += 10;
    for (int i = 0; i < w->n; i++) p = put_str(p, w->s[i], w->len[i]);
}

static void send_open(struct session *s, uint16_t tag, uint32_t fid, int wr)
{
    uint8_t *p = msg(s, Tlopen, tag, 8);
    put32(p, fid);
    put32(p + 4, wr ? O_WRONLY : O_RDONLY);
}

static void send_clunk(struct session *s, uint16_t tag, uint32_t fid)
{
    put32(msg(s, Tclunk, tag, 4), fid);
}

static void send_getattr(struct session *s, uint16_t tag, uint32_t fid)
{
    uint8_t *p = msg(s, Tgetattr, tag, 12);
    put32(p, fid);
    put64(p + 4, 0x7ff); /* the basic attributes */
}

static void send_read(struct session *s, uint8_t type, uint16_t tag, uint32_t fid, uint64_t off, uint32_t n)
{
    uint8_t *p = msg(s, type, tag, 16);
    put32(p, fid);
    put64(p + 4, off);
    put32(p + 12, n);
}

static void send_write(struct session *s, uint16_t tag, uint32_t fid, uint64_t off, uint32_t n)
{
    uint8_t *p = msg(s, Twrite, tag, 16 + n);
    put32(p, fid);
    put64(p + 4, off);
    put32(p + 12, n);
    memcpy(p + 16, payload, n);
}

/* ------------------------------------------------------------- operations */

static int next_kind(void)
{
    switch (opt.workload) {
    case W_GETATTR: return OP_GETATTR;
    case W_WALK: return OP_WALK;
    case W_READ: return OP_READ;
    case W_APPEND: return OP_APPEND;
    case W_OPENCLOSE: return OP_OPENCLOSE;
    case W_READDIR: return OP_READDIR;
    case W_LIST: return OP_LIST;
    default: break;
    }
    rng ^= rng << 13; rng ^= rng >> 7; rng ^= rng << 17;
    unsigned r = (unsigned)(rng >> 33) % 100;
    return r < 70 ? OP_READ : r < 90 ? OP_APPEND : OP_WALK;
}

static void start_op(struct session *s, unsigned i)
{
    struct slot *sl = &s->slot[i];
    uint16_t tag = i + 1;
    sl->kind = next_kind();
    sl->step = 0;
    sl->busy = 1;
    sl->start = now_ns();
    s->inflight++;
    switch (sl->kind) {
    case OP_GETATTR: send_getattr(s, tag, FID_DATA); break;
    case OP_WALK:
    case OP_OPENCLOSE: send_walk(s, tag, FID_SLOT + i, &s->path); break;
    case OP_READ: send_read(s, Tread, tag, FID_DATA, opt.offset, opt.bytes); break;
    case OP_APPEND:
        send_write(s, tag, FID_APPEND, s->append_offset, opt.bytes);
        if (!opt.fixed_offset) s->append_offset += opt.bytes;
        break;
    case OP_READDIR: send_read(s, Treaddir, tag, FID_DATA, 0, opt.bytes); break;
    case OP_LIST:
        sl->dir_offset = 0;
        send_walk(s, tag, FID_SLOT + i, &s->path);
        break;
    }
}

static void end_op(struct session *s, unsigned i, int ok)
{
    struct slot *sl = &s->slot[i];
    uint64_t t = now_ns();
    sl->busy = 0;
    s->inflight--;
    if (st.measuring) {
        if (ok) {
            unsigned h = hist_index(t - sl->start);
            st.ops++;
            hist[h]++;
            s->hist[h]++;
        } else st.errors++;
    }
    if (!st.stopping) start_op(s, i);
}

static void fail(const uint8_t *m, uint32_t size)
{
    if (m[4] == Rlerror && size >= 11 && !st.first_ecode) st.first_ecode = get32(m + 7);
}

/* One answer to an operation in its slot: go to its next step or end it. */
static void op_reply(struct session *s, unsigned i, const uint8_t *m, uint32_t size)
{
    struct slot *sl = &s->slot[i];
    uint16_t tag = i + 1;
    uint32_t fid = FID_SLOT + i;
    uint8_t type = m[4];
    if (type == Rlerror) {
        fail(m, size);
        /* A multi-step operation that failed after its walk still holds a fid. */
        if (sl->step > 0 && sl->step < 9) { sl->step = 10; send_clunk(s, tag, fid); return; }
        end_op(s, i, 0);
        return;
    }
    if (sl->step == 10) { end_op(s, i, 0); return; }
    switch (sl->kind) {
    case OP_GETATTR: end_op(s, i, type == Rgetattr); return;
    case OP_READ: {
        uint32_t n = size >= 11 ? get32(m + 7) : 0;
        if (type != Rread || n + 11 != size) { end_op(s, i, 0); return; }
        if (st.measuring) { st.bytes += n; st.shorts += n < opt.bytes; }
        end_op(s, i, 1);
        return;
    }
    case OP_APPEND: {
        uint32_t n = size == 11 ? get32(m + 7) : 0;
        if (st.measuring) { st.bytes += n; st.shorts += n < opt.bytes; }
        end_op(s, i, type == Rwrite);
        return;
    }
    case OP_READDIR:
        if (st.measuring && size >= 11) st.bytes += get32(m + 7);
        end_op(s, i, type == Rreaddir);
        return;
    case OP_WALK:
    case OP_OPENCLOSE:
    case OP_LIST:
        if (sl->step == 0) {                     /* Rwalk */
            if (type != Rwalk || size < 9 || get16(m + 7) != s->path.n) { end_op(s, i, 0); return; }
            if (sl->kind == OP_WALK) { sl->step = 9; send_clunk(s, tag, fid); }
            else { sl->step = 1; send_open(s, tag, fid, 0); }
            return;
        }
        if (sl->step == 9) { end_op(s, i, type == Rclunk); return; }
        if (sl->kind == OP_OPENCLOSE) {          /* Rlopen */
            sl->step = 9;
            send_clunk(s, tag, fid);
            return;
        }
        if (sl->step == 2) {                     /* Rreaddir */
            uint32_t n = size >= 11 ? get32(m + 7) : 0;
            if (st.measuring) st.bytes += n;
            if (n == 0) { sl->step = 9; send_clunk(s, tag, fid); return; }
            const uint8_t *p = m + 11, *end = m + size;
            while (end - p >= 24) {              /* the last entry's offset */
                sl->dir_offset = get64(p + 13);
                p += 24 + get16(p + 22);
            }
        }
        sl->step = 2;
        send_read(s, Treaddir, tag, fid, sl->dir_offset, opt.bytes);
        return;
    }
}

/* Prepare the fids that the workload needs: one request at a time. */
static void setup_step(struct session *s)
{
    int w = opt.workload;
    int data = w == W_GETATTR || w == W_READ || w == W_READDIR || w == W_MIXED;
    int data_open = w == W_READ || w == W_READDIR || w == W_MIXED;
    int app = w == W_APPEND || w == W_MIXED;
    for (;;) {
        switch (s->setup_step++) {
        case 0: if (data) { send_walk(s, SETUP_TAG, FID_DATA, &s->path); return; } break;
        case 1: if (data_open) { send_open(s, SETUP_TAG, FID_DATA, 0); return; } break;
        case 2: if (app) { send_walk(s, SETUP_TAG, FID_APPEND, &s->apath); return; } break;
        case 3: if (app) { send_open(s, SETUP_TAG, FID_APPEND, 1); return; } break;
        default:
            s->state = S_READY;
            st.ready++;
            return;
        }
    }
}

static void open_connection(struct session *s)
{
    int fam = peer.ss_family;
    s->fd = socket(fam, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0) die("socket: %s", strerror(errno));
    if (fam != AF_UNIX) setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (opt.rst) {
        struct linger l = {.l_onoff = 1, .l_linger = 0};
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    }
    for (int tries = 0; connect(s->fd, (void *)&peer, peer_len) < 0;) {
        if (errno == EINPROGRESS) break;
        if (errno == EAGAIN && fam == AF_UNIX && tries++ < 1000) { usleep(100); continue; } /* backlog full */
        die("connect %s: %s", opt.addr, strerror(errno));
    }
    s->state = S_CONNECTING;
    s->in_len = s->out_len = s->out_off = 0;
    s->want_out = 1;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = s};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e) < 0) die("epoll_ctl: %s", strerror(errno));
}

static void start_attach_op(struct session *s)
{
    s->attach_start = now_ns();
    open_connection(s);
}

static void handle(struct session *s, const uint8_t *m, uint32_t size)
{
    uint8_t type = m[4];
    uint16_t tag = get16(m + 5);
    st.last_progress = now_ns();
    if (s->state == S_RUN) {
        if (tag < 1 || tag > opt.window || !s->slot[tag - 1].busy)
            die("session %d: answer with tag %u that is not outstanding", s->id, tag);
        op_reply(s, tag - 1, m, size);
        return;
    }
    if (type == Rlerror)
        die("session %d: server refused setup (state %d, step %d, error %u)", s->id,
            (int)s->state, s->setup_step, size >= 11 ? get32(m + 7) : 0);
    switch (s->state) {
    case S_VERSION: {
        size_t n = strlen(dialect);
        if (type != Rversion || size < 13 + n || get16(m + 11) != n || memcmp(m + 13, dialect, n))
            die("server does not speak %s", dialect);
        s->msize = get32(m + 7);
        uint32_t need = opt.workload == W_APPEND || opt.workload == W_MIXED ? opt.bytes + 23 : opt.bytes + 11;
        if (opt.workload != W_ATTACH && opt.workload != W_GETATTR && opt.workload != W_WALK &&
            opt.workload != W_OPENCLOSE && need > s->msize)
            die("%u bytes do not fit the negotiated msize %u", opt.bytes, s->msize);
        s->state = S_ATTACH;
        send_attach(s, SETUP_TAG);
        return;
    }
    case S_ATTACH:
        if (type != Rattach) die("unexpected answer %u to Tattach", type);
        if (opt.workload == W_ATTACH) {
            uint64_t t = now_ns();
            close(s->fd);
            s->fd = -1;
            if (st.measuring) { st.ops++; hist[hist_index(t - s->attach_start)]++; }
            if (!st.stopping) start_attach_op(s);
            return;
        }
        s->state = S_SETUP;
        setup_step(s);
        return;
    case S_SETUP:
        if (type == Rwalk) {
            const struct names *w = s->setup_step == 1 ? &s->path : &s->apath;
            if (get16(m + 7) != w->n) die("session %d: path not found", s->id);
        }
        setup_step(s);
        return;
    default:
        die("session %d: unexpected answer %u", s->id, type);
    }
}

static void on_event(struct session *s, uint32_t events)
{
    if (s->fd < 0) return;
    if (s->state == S_CONNECTING) {
        if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
        int err = 0;
        socklen_t l = sizeof err;
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &l);
        if (err) die("connect %s: %s", opt.addr, strerror(err));
        s->state = S_VERSION;
        send_version(s);
        flush_out(s);
        return;
    }
    if (events & EPOLLOUT) flush_out(s);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t n = recv(s->fd, s->in + s->in_len, s->in_cap - s->in_len, 0);
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        die("session %d: recv: %s", s->id, strerror(errno));
    }
    if (n == 0) die("session %d: server closed the connection", s->id);
    s->in_len += (size_t)n;
    size_t off = 0;
    while (s->in_len - off >= 7) {
        uint32_t size = get32(s->in + off);
        if (size < 7 || size > s->in_cap) die("session %d: bad frame size %u", s->id, size);
        if (s->in_len - off < size) break;
        int fd = s->fd;
        handle(s, s->in + off, size);
        if (s->fd != fd || s->state == S_CONNECTING) return; /* attach: a new connection */
        off += size;
    }
    memmove(s->in, s->in + off, s->in_len - off);
    s->in_len -= off;
    flush_out(s);
}

static void pump(int timeout_ms)
{
    static struct epoll_event ev[512];
    int n = epoll_wait(ep, ev, 512, timeout_ms);
    if (n < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++) on_event(ev[i].data.ptr, ev[i].events);
    if (now_ns() - st.last_progress > (uint64_t)opt.progress_s * 1000000000u)
        die("no answer for %d s", opt.progress_s);
}

static void run_until(uint64_t t)
{
    while (now_ns() < t) {
        uint64_t left = t - now_ns();
        pump(left > 50000000u ? 50 : (int)(left / 1000000u));
    }
}

/* -------------------------------------------------------------------- main */

static int parse_args(int argc, char **argv)
{
    enum { O_WARMUP = 256, O_FIXED, O_UNAME, O_ANAME, O_UID, O_PID, O_RST, O_STALL };
    static const struct option lo[] = {
        {"workload", 1, 0, 'w'}, {"sessions", 1, 0, 's'}, {"window", 1, 0, 'W'},
        {"seconds", 1, 0, 't'}, {"warmup", 1, 0, O_WARMUP}, {"msize", 1, 0, 'm'},
        {"bytes", 1, 0, 'n'}, {"offset", 1, 0, 'o'}, {"fixed-offset", 0, 0, O_FIXED},
        {"path", 1, 0, 'p'}, {"append-path", 1, 0, 'a'}, {"uname", 1, 0, O_UNAME},
        {"aname", 1, 0, O_ANAME}, {"uid", 1, 0, O_UID}, {"pid", 1, 0, O_PID},
        {"rst", 0, 0, O_RST}, {"stall", 1, 0, O_STALL}, {"help", 0, 0, 'h'}, {0, 0, 0, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "w:s:W:t:m:n:o:p:a:h", lo, NULL)) != -1) {
        switch (c) {
        case 'w': {
            int i = 0;
            while (i < W_COUNT && strcmp(optarg, workload_name[i])) i++;
            if (i == W_COUNT) { fprintf(stderr, "p9bench: no workload %s\n", optarg); return 2; }
            opt.workload = i;
            break;
        }
        case 's': opt.sessions = atoi(optarg); break;
        case 'W': opt.window = atoi(optarg); break;
        case 't': opt.seconds = atof(optarg); break;
        case 'm': opt.msize = strtoul(optarg, NULL, 0); break;
        case 'n': opt.bytes = strtoul(optarg, NULL, 0); break;
        case 'o': opt.offset = strtoull(optarg, NULL, 0); break;
        case 'p': opt.path = optarg; break;
        case 'a': opt.apath = optarg; break;
        case O_WARMUP: opt.warmup = atof(optarg); break;
        case O_FIXED: opt.fixed_offset = 1; break;
        case O_UNAME: opt.uname = optarg; break;
        case O_ANAME: opt.aname = optarg; break;
        case O_UID: opt.uid = strtoul(optarg, NULL, 0); break;
        case O_PID: opt.pid = atoi(optarg); break;
        case O_RST: opt.rst = 1; break;
        case O_STALL: opt.progress_s = atoi(optarg); break;
        case 'h': usage(stdout); exit(0);
        default: return 2;
        }
    }
    if (optind + 1 != argc || opt.sessions < 1 || opt.window < 1 || opt.window > 4096 ||
        opt.msize < 256 || opt.seconds <= 0 || opt.progress_s < 1) return 2;
    opt.addr = argv[optind];
    if (!opt.apath) opt.apath = opt.path;
    return 0;
}

int main(int argc, char **argv)
{
    if (parse_args(argc, argv)) { usage(stderr); return 2; }
    signal(SIGPIPE, SIG_IGN);
    parse_address(opt.addr);
    struct rlimit rl;
    if (!getrlimit(RLIMIT_NOFILE, &rl)) { rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl); }
    payload = malloc(opt.bytes + 1);
    if (!payload) die("out of memory");
    for (uint32_t i = 0; i < opt.bytes; i++) payload[i] = i + 1 == opt.bytes ? '\n' : 'a' + i % 26;
    ep = epoll_create1(EPOLL_CLOEXEC);
    struct session *all = calloc((size_t)opt.sessions, sizeof *all);
    if (!all) die("out of memory");
    st.last_progress = now_ns();
    int attach = opt.workload == W_ATTACH;
    for (int i = 0; i < opt.sessions; i++) {
        struct session *s = &all[i];
        s->id = i;
        s->path_text = expand(opt.path, i);
        s->apath_text = expand(opt.apath, i);
        split_path(s->path_text, &s->path);
        split_path(s->apath_text, &s->apath);
        s->slot = calloc((size_t)opt.window, sizeof *s->slot);
        s->in_cap = opt.msize > 65536 ? opt.msize * 2 : 131072;
        s->in = malloc(s->in_cap);
        s->append_offset = opt.offset;
        s->hist = calloc(HN, sizeof *s->hist);
        if (!s->slot || !s->in || !s->hist) die("out of memory");
        if (attach) start_attach_op(s);
    }
    if (!attach) {
        /* A few at a time: some servers listen with a backlog of 5. */
        for (int opened = 0; st.ready < opt.sessions; pump(100))
            while (opened < opt.sessions && opened - st.ready < 4) open_connection(&all[opened++]);
        for (int i = 0; i < opt.sessions; i++) {
            all[i].state = S_RUN;
            for (int k = 0; k < opt.window; k++) start_op(&all[i], k);
            flush_out(&all[i]);
        }
    }
    run_until(now_ns() + (uint64_t)(opt.warmup * 1e9));

    double cpu0 = opt.pid ? process_cpu_s(opt.pid) : -1, own0 = own_cpu_s();
    uint64_t t0 = now_ns();
    st.measuring = 1;
    run_until(t0 + (uint64_t)(opt.seconds * 1e9));
    st.measuring = 0;
    double secs = (double)(now_ns() - t0) / 1e9;
    double own = own_cpu_s() - own0, cpu = opt.pid ? process_cpu_s(opt.pid) - cpu0 : -1;
    st.stopping = 1;
    uint64_t give_up = now_ns() + 2000000000u;
    for (int left = 1; left && !attach && now_ns() < give_up;) {
        left = 0;
        for (int i = 0; i < opt.sessions; i++) left |= all[i].inflight > 0;
        if (left) pump(50);
    }

    double worst = 0; /* the 99th percentile of the session that has the highest */
    for (int i = 0; i < opt.sessions && !attach; i++) {
        double own_p99 = percentile_us(all[i].hist, 0.99);
        if (own_p99 > worst) worst = own_p99;
    }

    printf("{\"workload\":\"%s\",\"sessions\":%d,\"window\":%d,"
           "\"msize\":%u,\"bytes\":%u,\"ops\":%llu,\"seconds\":%.3f,\"ops_per_s\":%.0f,"
           "\"msgs_per_s\":%.0f,\"mb_per_s\":%.2f,\"p50_us\":%.1f,\"p95_us\":%.1f,\"p99_us\":%.1f,"
           "\"worst_session_p99_us\":%.1f,"
           "\"errors\":%llu,\"first_errno\":%u,\"short\":%llu,\"client_cpu\":%.3f",
           workload_name[opt.workload], opt.sessions,
           attach ? 1 : opt.window, attach ? opt.msize : all[0].msize, opt.bytes,
           (unsigned long long)st.ops, secs, (double)st.ops / secs, (double)st.msgs / secs,
           (double)st.bytes / secs / 1e6, percentile_us(hist, 0.5), percentile_us(hist, 0.95),
           percentile_us(hist, 0.99), worst, (unsigned long long)st.errors, st.first_ecode,
           (unsigned long long)st.shorts, own / secs);
    if (opt.pid && cpu >= 0)
        printf(",\"server_cpu\":%.3f,\"server_s_per_100k\":%.3f", cpu / secs,
               st.ops ? cpu * 1e5 / (double)st.ops : 0.0);
    printf("}\n");
    return 0;
}
