#include "core/virtqueue.h"

#include "bytes.h"
#include "mmio.h"

enum {
    NEXT = 1,         /* VIRTQ_DESC_F_NEXT */
    DEVICE_WRITES = 2 /* VIRTQ_DESC_F_WRITE */
};

struct descriptor {
    uint64_t physical;
    uint32_t size;
    uint16_t flags, next;
};

struct available {
    uint16_t flags, index;
    uint16_t heads[VIRTQUEUE_SIZE];
};

struct used {
    uint16_t flags, index;
    struct {
        uint32_t head, written;
    } entries[VIRTQUEUE_SIZE];
};

_Static_assert(sizeof(struct descriptor) == 16, "virtio 1.2, 2.7.5");
_Static_assert(VIRTQUEUE_SIZE * sizeof(struct descriptor) <= VIRTQUEUE_AVAILABLE, "the parts do not overlap");
_Static_assert(VIRTQUEUE_AVAILABLE + sizeof(struct available) <= VIRTQUEUE_USED, "the parts do not overlap");
_Static_assert((VIRTQUEUE_SIZE & (VIRTQUEUE_SIZE - 1)) == 0, "indexes wrap at a power of two");

/* The shared parts. Volatile: the device reads and writes them at any time. */
static volatile struct descriptor *descriptors_of(const struct virtqueue *queue)
{
    return (volatile struct descriptor *)queue->memory;
}

static volatile struct available *available_of(const struct virtqueue *queue)
{
    return (volatile struct available *)(queue->memory + VIRTQUEUE_AVAILABLE);
}

static volatile struct used *used_of(const struct virtqueue *queue)
{
    return (volatile struct used *)(queue->memory + VIRTQUEUE_USED);
}

void virtqueue_begin(struct virtqueue *queue, const struct dma *memory)
{
    *queue = (struct virtqueue){
        .memory = memory->address,
        .physical = memory->physical,
        .free = VIRTQUEUE_SIZE,
    };
    for (unsigned i = 0; i < VIRTQUEUE_SIZE; i++) {
        queue->next[i] = (uint16_t)(i + 1);
    }
    memset(queue->memory, 0, VIRTQUEUE_BYTES);
    memory_barrier();
}

status virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers, unsigned count, uint16_t *head)
{
    uint16_t at = queue->first_free;
    uint32_t room = 0;

    if (count == 0 || count > queue->free) {
        return status_error(ENOSPC);
    }
    *head = at;
    for (unsigned i = 0; i < count; i++) {
        volatile struct descriptor *descriptor = &descriptors_of(queue)[at];

        descriptor->physical = buffers[i].physical;
        descriptor->size = buffers[i].size;
        descriptor->flags = (uint16_t)((buffers[i].device_writes ? DEVICE_WRITES : 0) | (i + 1 < count ? NEXT : 0));
        descriptor->next = queue->next[at];
        room += buffers[i].device_writes ? buffers[i].size : 0;
        at = queue->next[at];
    }
    queue->first_free = at;
    queue->free = (uint16_t)(queue->free - count);
    queue->length[*head] = (uint16_t)count;
    queue->room[*head] = room;
    queue->outstanding++;

    available_of(queue)->heads[queue->available % VIRTQUEUE_SIZE] = *head;
    memory_barrier(); /* the chain is complete before the index tells of it */
    available_of(queue)->index = ++queue->available;
    memory_barrier(); /* … and that before the notification */
    return status_ok();
}

static status break_down(struct virtqueue *queue)
{
    queue->broken = true;
    return status_error(ENXIO);
}

/* Put the chain of `head` back in front of the free list. Its descriptors still follow each other in `next`. */
static void release(struct virtqueue *queue, uint16_t head)
{
    uint16_t last = head;

    for (unsigned i = 1; i < queue->length[head]; i++) {
        last = queue->next[last];
    }
    queue->next[last] = queue->first_free;
    queue->first_free = head;
    queue->free = (uint16_t)(queue->free + queue->length[head]);
    queue->length[head] = 0;
    queue->outstanding--;
}

status virtqueue_take(struct virtqueue *queue, uint16_t *head, uint32_t *written)
{
    uint16_t done = (uint16_t)(used_of(queue)->index - queue->used);

    *head = VIRTQUEUE_NOTHING;
    *written = 0;
    if (queue->broken || done > queue->outstanding) {
        return break_down(queue);
    }
    if (done == 0) {
        return status_ok();
    }
    memory_barrier(); /* the entry is read after the index that tells of it */
    uint32_t named = used_of(queue)->entries[queue->used % VIRTQUEUE_SIZE].head;
    uint32_t bytes = used_of(queue)->entries[queue->used % VIRTQUEUE_SIZE].written;
    if (named >= VIRTQUEUE_SIZE || queue->length[named] == 0 || bytes > queue->room[named]) {
        return break_down(queue);
    }
    queue->used++;
    release(queue, (uint16_t)named);
    *head = (uint16_t)named;
    *written = bytes;
    return status_ok();
}
