/* Written by coh-rtc; do not edit. */
#ifndef NINEDOOR_MANIFEST_H
#define NINEDOOR_MANIFEST_H

#define NINEDOOR_ROOT_TASK_SCHEMA "1.5"
#define NINEDOOR_PROFILE_NAME "virt-aarch64"
#define NINEDOOR_PROFILE_KERNEL 1
#define NINEDOOR_EVENT_PUMP_TICK_MS 5u
#define NINEDOOR_SECURE9P_MSIZE 8192u
#define NINEDOOR_SECURE9P_WALK_DEPTH 8u
#define NINEDOOR_SECURE9P_TAGS_PER_SESSION 16u
#define NINEDOOR_SECURE9P_BATCH_FRAMES 1u
#define NINEDOOR_SECURE9P_SHORT_WRITE_POLICY "reject"
#define NINEDOOR_FEATURES_NET_CONSOLE 0
#define NINEDOOR_FEATURES_SERIAL_CONSOLE 0
#define NINEDOOR_FEATURES_STD_CONSOLE 0
#define NINEDOOR_FEATURES_STD_HOST_TOOLS 0
#define NINEDOOR_CACHE_KERNEL_OPS 1
#define NINEDOOR_CACHE_DMA_CLEAN 1
#define NINEDOOR_CACHE_DMA_INVALIDATE 1
#define NINEDOOR_CACHE_UNIFY_INSTRUCTIONS 0
#define NINEDOOR_SHARDING_ENABLED 1
#define NINEDOOR_SHARDING_SHARD_BITS 8u
#define NINEDOOR_SHARDING_LEGACY_WORKER_ALIAS 1
#define NINEDOOR_TELEMETRY_RING_BYTES_PER_WORKER 1024u
#define NINEDOOR_TELEMETRY_FRAME_SCHEMA "legacy-plaintext"
#define NINEDOOR_TELEMETRY_CURSOR_RETAIN_ON_BOOT 1
#define NINEDOOR_TELEMETRY_INGEST_MAX_SEGMENTS_PER_DEVICE 4u
#define NINEDOOR_TELEMETRY_INGEST_MAX_BYTES_PER_SEGMENT 32768u
#define NINEDOOR_TELEMETRY_INGEST_MAX_TOTAL_BYTES_PER_DEVICE 131072u
#define NINEDOOR_TELEMETRY_INGEST_EVICTION_POLICY "evict-oldest"
#define NINEDOOR_LIFECYCLE_INITIAL_STATE "BOOTING"

#define NINEDOOR_LIMIT_MSIZE_MIN 256u
#define NINEDOOR_LIMIT_MSIZE_MAX 8192u
#define NINEDOOR_LIMIT_WALK_DEPTH_MAX 8u
#define NINEDOOR_LIMIT_NAME_MAX 64u
#define NINEDOOR_LIMIT_HEADER_BYTES 7u
#define NINEDOOR_LIMIT_READ_OVERHEAD 11u
#define NINEDOOR_LIMIT_WRITE_OVERHEAD 23u
#define NINEDOOR_LIMIT_IO_OVERHEAD 24u
#define NINEDOOR_LIMIT_LINE_MAX 8168u
#define NINEDOOR_LIMIT_TICKET_CHARS_MAX 224u

#define NINEDOOR_MANIFEST_SHA256 "840170bd509dd7022dca143928f8206ed41eec14bac5f6519e3bdc7b11ec5afc"
#define NINEDOOR_TICKETS_SHA256 "fd0ebff1d0b4cfcc2a03a1015578545dfa68f0240e782b60ad7956c2492972eb"
#define NINEDOOR_MOUNTS_SHA256 "c34073b3f57eeae7ebba0eb35e56b2a1dea490aee4de2cc1f3a0b65ec2bc7b24"
#define NINEDOOR_AUDIT_LINES_SHA256 "9080f2465f0484a3fdfae6aa320024d4132910839abbf0b7a24c5f37f2f5bb81"

struct ninedoor_mount { const char *service; const char *path; };
struct ninedoor_transition { const char *from; const char *to; };
struct ninedoor_bus_adapter {
    const char *kind; const char *id; const char *path; const char *scope; const char *link;
    unsigned baud; unsigned spool_entries; unsigned spool_bytes; unsigned enabled;
};
struct ninedoor_lora_adapter {
    const char *id; const char *path; const char *scope; const char *region;
    unsigned duty_cycle_percent; unsigned window_ms; unsigned payload_bytes; unsigned tamper_entries;
    unsigned enabled;
};
struct ninedoor_device {
    const char *kind; const char *compatible;
    unsigned long long mmio_base; unsigned long long mmio_size; unsigned irq;
};

#define NINEDOOR_TICKET_ROLES_COUNT 5u
static const char *const ninedoor_ticket_roles[] = {
    "queen",
    "worker-heartbeat",
    "worker-gpu",
    "worker-bus",
    "worker-lora",
    0,
};

#define NINEDOOR_MOUNTS_COUNT 1u
static const struct ninedoor_mount ninedoor_mounts[] = {
    { "logs", "/log" },
    { 0 },
};

#define NINEDOOR_TRANSITIONS_COUNT 1u
static const struct ninedoor_transition ninedoor_transitions[] = {
    { "BOOTING", "ONLINE" },
    { 0 },
};

#define NINEDOOR_BUS_ADAPTERS_COUNT 0u
static const struct ninedoor_bus_adapter ninedoor_bus_adapters[] = {
    { 0 },
};

#define NINEDOOR_LORA_ADAPTERS_COUNT 0u
static const struct ninedoor_lora_adapter ninedoor_lora_adapters[] = {
    { 0 },
};

#define NINEDOOR_DEVICES_COUNT 0u
static const struct ninedoor_device ninedoor_devices[] = {
    { 0 },
};

#define NINEDOOR_ATTESTATION_PCRS_COUNT 0u
static const int ninedoor_attestation_pcrs[] = {
    -1,
};

#define NINEDOOR_AUDIT_LINES_COUNT 23u
static const char *const ninedoor_audit_lines[] = {
    "manifest.schema=1.5",
    "manifest.profile=virt-aarch64",
    "manifest.sha256=840170bd509dd7022dca143928f8206ed41eec14bac5f6519e3bdc7b11ec5afc",
    "manifest.tickets=5",
    "manifest.namespaces=1 role_isolation=true",
    "manifest.secure9p.msize=8192",
    "manifest.secure9p.walk_depth=8",
    "manifest.secure9p.tags_per_session=16",
    "manifest.secure9p.batch_frames=1",
    "manifest.secure9p.short_write.policy=reject",
    "manifest.sharding.enabled=true",
    "manifest.sharding.shard_bits=8",
    "manifest.sharding.legacy_worker_alias=true",
    "manifest.sharding.shard_count=256",
    "telemetry.ring_bytes_per_worker=1024",
    "telemetry.frame_schema=legacy-plaintext",
    "telemetry.cursor.retain_on_boot=true",
    "manifest.cache.kernel_ops=true",
    "manifest.cache.dma_clean=true",
    "manifest.cache.dma_invalidate=true",
    "manifest.cache.unify_instructions=false",
    "manifest.features.net_console=false",
    "event_pump.fds=timer,ipc,ninedoor",
    0,
};

#endif
