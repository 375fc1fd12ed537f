/* A guest's program that shows a picture on the virtio GPU, in the size that the display asks for, and makes
 * another as soon as that asks for another: what a desktop does. For debian.py. */
#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MODES = 128 };

static int card;

static void need(int result, const char *what)
{
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

/* The first connector's first mode: the one that the display prefers. */
static struct drm_mode_modeinfo wanted(uint32_t connector)
{
    static struct drm_mode_modeinfo modes[MODES];
    struct drm_mode_get_connector get = {.connector_id = connector};
    need(ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &get), "GETCONNECTOR"); /* without room: looks anew */
    uint32_t count = get.count_modes < MODES ? get.count_modes : MODES;
    get = (struct drm_mode_get_connector){
        .connector_id = connector, .count_modes = count, .modes_ptr = (uintptr_t)modes};
    need(ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &get), "GETCONNECTOR");
    return modes[0];
}

/* As xserver.py's colour() has it. */
static void draw(uint32_t *pixels, uint32_t pitch, uint32_t width, uint32_t height)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            pixels[y * pitch / 4 + x] = (x * 7 & 255) << 16 | (y * 5 & 255) << 8 | ((x ^ y) & 255);
}

static void show(uint32_t crtc, uint32_t connector, const struct drm_mode_modeinfo *mode)
{
    struct drm_mode_create_dumb dumb = {.width = mode->hdisplay, .height = mode->vdisplay, .bpp = 32};
    need(ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), "CREATE_DUMB");
    struct drm_mode_fb_cmd fb = {.width = dumb.width,
                                 .height = dumb.height,
                                 .pitch = dumb.pitch,
                                 .bpp = 32,
                                 .depth = 24,
                                 .handle = dumb.handle};
    need(ioctl(card, DRM_IOCTL_MODE_ADDFB, &fb), "ADDFB");
    struct drm_mode_map_dumb map = {.handle = dumb.handle};
    need(ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), "MAP_DUMB");
    uint32_t *pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
    need(pixels == MAP_FAILED ? -1 : 0, "mmap");
    draw(pixels, dumb.pitch, dumb.width, dumb.height);
    struct drm_mode_crtc set = {.set_connectors_ptr = (uintptr_t)&connector,
                                .count_connectors = 1,
                                .crtc_id = crtc,
                                .fb_id = fb.fb_id,
                                .mode_valid = 1,
                                .mode = *mode};
    need(ioctl(card, DRM_IOCTL_MODE_SETCRTC, &set), "SETCRTC");
    struct drm_mode_fb_dirty_cmd dirty = {.fb_id = fb.fb_id};
    need(ioctl(card, DRM_IOCTL_MODE_DIRTYFB, &dirty), "DIRTYFB");
    printf("@@ shows %u %u\n", dumb.width, dumb.height);
}

int main(void)
{
    uint32_t crtc = 0, connector = 0;
    struct drm_mode_card_res found = {.count_crtcs = 1,
                                      .crtc_id_ptr = (uintptr_t)&crtc,
                                      .count_connectors = 1,
                                      .connector_id_ptr = (uintptr_t)&connector};
    setvbuf(stdout, NULL, _IOLBF, 0);
    card = open("/dev/dri/card0", O_RDWR);
    need(card, "/dev/dri/card0");
    need(ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &found), "GETRESOURCES");
    for (struct drm_mode_modeinfo now = {0};; usleep(100000)) {
        struct drm_mode_modeinfo mode = wanted(connector);
        if (mode.hdisplay == now.hdisplay && mode.vdisplay == now.vdisplay)
            continue;
        now = mode;
        show(crtc, connector, &now);
    }
}
