/* What the parts of the virtio GPU share: virtio_gpu.c has the device and its commands, virtio_gpu_resource.c
 * the pictures that the guest makes in it, virtio_gpu_picture.c what of them is on the screen. */
#ifndef ARMATURE_DEVICES_VIRTIO_GPU_H
#define ARMATURE_DEVICES_VIRTIO_GPU_H

#include "devices/device.h"
#include "devices/virtqueue.h"
#include "machine/display.h"

/* What a guest can have at most: pictures, pieces of memory behind one, and bytes of the host's for both. */
enum { GPU_RESOURCES = 1024, GPU_PIECES_MOST = 16384 };
#define GPU_BYTES_MOST (UINT64_C(128) << 20)

/* Answers (section 5.7.6.7). */
typedef enum GpuAnswer {
    GPU_OK = 0x1100,
    GPU_OK_DISPLAY_INFO,
    GPU_OK_EDID = 0x1104,
    GPU_ERR_UNSPEC = 0x1200,
    GPU_ERR_OUT_OF_MEMORY,
    GPU_ERR_SCANOUT_ID,
    GPU_ERR_RESOURCE_ID,
    GPU_ERR_CONTEXT_ID,
    GPU_ERR_PARAMETER
} GpuAnswer;

typedef struct GpuRect {
    uint32_t x, y, width, height;
} GpuRect;

/* The fixed part; all of it is saved, as FIELD_U32. */
typedef struct GpuResource {
    uint32_t id; /* 0: the place is free */
    uint32_t format, width, height;
} GpuResource;

/* Guest memory behind a resource. */
typedef struct GpuPiece {
    uint32_t address, size;
} GpuPiece;

typedef struct GpuResources {
    GpuResource resource[GPU_RESOURCES];
    DeviceMemory pixels[GPU_RESOURCES];  /* 4 bytes each, row by row, in the resource's format */
    DeviceMemory backing[GPU_RESOURCES]; /* GpuPiece[] */
} GpuResources;

/* The place of the resource of that number, or -1. */
int gpu_find(const GpuResources *all, uint32_t id);

GpuAnswer gpu_create(GpuResources *all, const GpuResource *wanted);
void gpu_destroy(GpuResources *all, int place);
void gpu_destroy_all(GpuResources *all);

/* For a state that comes from a file: what no guest could have made goes. */
void gpu_sanitise(GpuResources *all);

/* The memory behind a resource: `count` entries in the chain, from byte `offset` on. */
GpuAnswer gpu_attach(GpuResources *all, int place, const VirtChain *chain, size_t offset, uint32_t count);
GpuAnswer gpu_detach(GpuResources *all, int place);

/* Copies a rectangle from the memory behind the resource, where it begins at byte `offset`. */
GpuAnswer gpu_transfer(GpuResources *all, int place, Bus *bus, const GpuRect *rect, uint64_t offset);

/* Is the rectangle, which is not empty, within the resource? */
bool gpu_contains(const GpuResource *resource, const GpuRect *rect);

/* `count` pixels from (x, y) on, which are inside, as 0xAARRGGBB; opaque where the format has no alpha. */
void gpu_pixels(const GpuResources *all, int place, uint32_t x, uint32_t y, uint32_t count, uint32_t *out);

/* ---- What is on the screen ---- */

enum { GPU_CURSOR = 64 /* pixels, in each direction */ };

typedef struct GpuPicture {
    uint32_t shown;                           /* the resource, 0: none */
    GpuRect scanout;                          /* the part of it */
    uint32_t cursor[GPU_CURSOR * GPU_CURSOR]; /* 0xAARRGGBB */
    bool cursor_shown;
    int32_t cursor_x, cursor_y;
    uint32_t dirty_top, dirty_end; /* rows that changed since they were drawn */
    bool judged, black;            /* whether it is all black, if that is known */
} GpuPicture;

/* Shows the rectangle, which is inside, of the resource of that number; 0: nothing. */
void gpu_picture_show(GpuPicture *picture, uint32_t id, const GpuRect *rect);

/* The rectangle of the resource that is shown has changed. */
void gpu_picture_flush(GpuPicture *picture, const GpuRect *rect);

/* The cursor looks like the resource at that place, of GPU_CURSOR x GPU_CURSOR pixels; -1: it is hidden. */
void gpu_picture_cursor(GpuPicture *picture, const GpuResources *all, int place);
void gpu_picture_move(GpuPicture *picture, int32_t x, int32_t y);

/* For a state that comes from a file, after the resources. */
void gpu_picture_sanitise(GpuPicture *picture, const GpuResources *all);

/* What the display asks for: see DisplayOps. */
DisplayMode gpu_picture_mode(const GpuPicture *picture);
void gpu_picture_changes(GpuPicture *picture, Display *display);
void gpu_picture_row(const GpuPicture *picture, const GpuResources *all, uint32_t y, uint32_t *pixels);
bool gpu_picture_black(GpuPicture *picture, const GpuResources *all);

#endif
