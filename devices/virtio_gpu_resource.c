#include "devices/virtio_gpu.h"

#include <string.h>

enum { PIXEL = 4, ENTRY_BYTES = 16 };

/* Where the colours are in a pixel's four bytes; alpha 4: there is none. The standard names the formats by
 * the order of the bytes. */
typedef struct Format {
    uint8_t number, red, green, blue, alpha;
} Format;

static const Format formats[] = {
    {1,   2, 1, 0, 3}, /* B8G8R8A8 */
    {2,   2, 1, 0, 4}, /* B8G8R8X8 */
    {3,   1, 2, 3, 0}, /* A8R8G8B8 */
    {4,   1, 2, 3, 4}, /* X8R8G8B8 */
    {67,  0, 1, 2, 3}, /* R8G8B8A8 */
    {68,  3, 2, 1, 4}, /* X8B8G8R8 */
    {121, 3, 2, 1, 0}, /* A8B8G8R8 */
    {134, 0, 1, 2, 4}, /* R8G8B8X8 */
};

static const Format *find_format(uint32_t number)
{
    for (unsigned n = 0; n < sizeof formats / sizeof *formats; n++)
        if (formats[n].number == number)
            return &formats[n];
    return NULL;
}

int gpu_find(const GpuResources *all, uint32_t id)
{
    for (int place = 0; id && place < GPU_RESOURCES; place++)
        if (all->resource[place].id == id)
            return place;
    return -1;
}

static int find_free(const GpuResources *all)
{
    for (int place = 0; place < GPU_RESOURCES; place++)
        if (!all->resource[place].id)
            return place;
    return -1;
}

/* Would so many bytes more be within what a guest can have? */
static bool affordable(const GpuResources *all, uint64_t bytes)
{
    uint64_t sum = 0;
    for (int place = 0; place < GPU_RESOURCES; place++)
        sum += all->pixels[place].size + all->backing[place].size;
    return bytes <= GPU_BYTES_MOST && sum + bytes <= GPU_BYTES_MOST;
}

GpuAnswer gpu_create(GpuResources *all, const GpuResource *wanted)
{
    if (!wanted->id || gpu_find(all, wanted->id) >= 0)
        return GPU_ERR_RESOURCE_ID;
    if (!find_format(wanted->format) || !wanted->width || !wanted->height)
        return GPU_ERR_PARAMETER;
    uint64_t pixels = (uint64_t)wanted->width * wanted->height;
    int place = find_free(all);
    if (place < 0 || pixels > GPU_BYTES_MOST / PIXEL || !affordable(all, pixels * PIXEL) ||
        !device_memory_set(&all->pixels[place], pixels * PIXEL))
        return GPU_ERR_OUT_OF_MEMORY;
    all->resource[place] = *wanted;
    return GPU_OK;
}

void gpu_destroy(GpuResources *all, int place)
{
    all->resource[place] = (GpuResource){0};
    device_memory_set(&all->pixels[place], 0);
    device_memory_set(&all->backing[place], 0);
}

void gpu_destroy_all(GpuResources *all)
{
    for (int place = 0; place < GPU_RESOURCES; place++)
        gpu_destroy(all, place);
}

void gpu_sanitise(GpuResources *all)
{
    for (int place = 0; place < GPU_RESOURCES; place++) {
        const GpuResource *resource = &all->resource[place];
        uint64_t pixels = (uint64_t)resource->width * resource->height;
        const DeviceMemory *backing = &all->backing[place];
        bool sound = resource->id && find_format(resource->format) && pixels &&
                     pixels <= GPU_BYTES_MOST / PIXEL && all->pixels[place].size == pixels * PIXEL &&
                     backing->size % sizeof(GpuPiece) == 0;
        if (!sound)
            gpu_destroy(all, place);
    }
}

/* ---- The memory behind -------------------------------------------------------------------------------- */

GpuAnswer gpu_attach(GpuResources *all, int place, const VirtChain *chain, size_t offset, uint32_t count)
{
    DeviceMemory *backing = &all->backing[place];
    if (backing->size)
        return GPU_ERR_UNSPEC;
    if (!count || count > GPU_PIECES_MOST)
        return GPU_ERR_PARAMETER;
    if (!affordable(all, count * sizeof(GpuPiece)) || !device_memory_set(backing, count * sizeof(GpuPiece)))
        return GPU_ERR_OUT_OF_MEMORY;
    GpuPiece *piece = (GpuPiece *)backing->bytes;
    for (uint32_t n = 0; n < count;) {
        uint32_t entry[256][ENTRY_BYTES / 4], part = count - n < 256 ? count - n : 256; /* address, size, - */
        size_t bytes = part * ENTRY_BYTES;
        bool whole = virt_chain_read(chain, offset, entry, bytes) == bytes;
        for (uint32_t k = 0; k < part && whole; k++, n++) {
            piece[n] = (GpuPiece){entry[k][0], entry[k][2]};
            whole = !entry[k][1];
        }
        if (!whole) {
            device_memory_set(backing, 0);
            return GPU_ERR_PARAMETER;
        }
        offset += bytes;
    }
    return GPU_OK;
}

GpuAnswer gpu_detach(GpuResources *all, int place)
{
    if (!all->backing[place].size)
        return GPU_ERR_UNSPEC;
    device_memory_set(&all->backing[place], 0);
    return GPU_OK;
}

/* A place in the pieces, which only moves forward, so that a picture costs one walk over them. */
typedef struct Reader {
    Bus *bus;
    const GpuPiece *piece, *end;
    uint64_t start; /* offset of the piece's first byte */
} Reader;

static bool read_pieces(Reader *r, uint64_t offset, uint8_t *data, uint64_t size)
{
    while (size) {
        while (r->piece < r->end && offset >= r->start + r->piece->size)
            r->start += r->piece++->size;
        if (r->piece == r->end)
            return false;
        uint64_t within = offset - r->start, part = r->piece->size - within;
        if (part > size)
            part = size;
        uint64_t address = r->piece->address + within;
        if (address > UINT32_MAX || !bus_dma_read(r->bus, (uint32_t)address, data, part))
            return false;
        data += part;
        offset += part;
        size -= part;
    }
    return true;
}

bool gpu_contains(const GpuResource *resource, const GpuRect *rect)
{
    return rect->width && rect->height && rect->width <= resource->width &&
           rect->height <= resource->height && rect->x <= resource->width - rect->width &&
           rect->y <= resource->height - rect->height;
}

GpuAnswer gpu_transfer(GpuResources *all, int place, Bus *bus, const GpuRect *rect, uint64_t offset)
{
    const GpuResource *resource = &all->resource[place];
    const DeviceMemory *backing = &all->backing[place];
    if (!gpu_contains(resource, rect) || offset > UINT32_MAX)
        return GPU_ERR_PARAMETER;
    Reader reader = {bus, (const GpuPiece *)backing->bytes,
                     (const GpuPiece *)(backing->bytes + backing->size), 0};
    uint64_t stride = (uint64_t)resource->width * PIXEL;
    uint8_t *to = all->pixels[place].bytes + rect->y * stride + (uint64_t)rect->x * PIXEL;
    if (!backing->size)
        return GPU_ERR_UNSPEC;
    for (uint32_t row = 0; row < rect->height; row++)
        if (!read_pieces(&reader, offset + row * stride, to + row * stride, (uint64_t)rect->width * PIXEL))
            return GPU_ERR_PARAMETER;
    return GPU_OK;
}

/* ---- Pixels ------------------------------------------------------------------------------------------- */

void gpu_pixels(const GpuResources *all, int place, uint32_t x, uint32_t y, uint32_t count, uint32_t *out)
{
    const GpuResource *resource = &all->resource[place];
    const Format *f = find_format(resource->format);
    const uint8_t *in = all->pixels[place].bytes + ((uint64_t)y * resource->width + x) * PIXEL;
    for (uint32_t n = 0; n < count; n++, in += PIXEL) {
        uint32_t alpha = f->alpha < PIXEL ? in[f->alpha] : 0xff;
        out[n] = alpha << 24 | (uint32_t)in[f->red] << 16 | (uint32_t)in[f->green] << 8 | in[f->blue];
    }
}
