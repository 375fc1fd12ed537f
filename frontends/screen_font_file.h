/* Console fonts in files: PSF, versions 1 and 2, of Linux's console, and BGF of bterm, in which Debian's
 * installer runs on a framebuffer. Both may be compressed with gzip. */
#ifndef ARMATURE_FRONTENDS_SCREEN_FONT_FILE_H
#define ARMATURE_FRONTENDS_SCREEN_FONT_FILE_H

#include "frontends/screen_font.h"
#include "machine/error.h"

/* NULL with err set if the file is no font. */
ScreenFont *screen_font_load(const char *path, Error *err);

/* The same from memory; NULL if it is no font. */
ScreenFont *screen_font_parse(const uint8_t *data, size_t size);

/* The fonts in an initial file system, a cpio archive that may be compressed with gzip: up to `most`. Returns
 * how many; 0 also if it cannot be read. */
unsigned screen_font_initrd(const char *path, ScreenFont **font, unsigned most);

#endif
