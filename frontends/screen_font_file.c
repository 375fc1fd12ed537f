#include "frontends/screen_font_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frontends/keyboard_layout.h"
#include "machine/checked.h"

enum { FILE_MOST = 4 << 20 };

static uint32_t word(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* ---- PSF --------------------------------------------------------------------------------------------- */

typedef struct Psf {
    const uint8_t *data;
    size_t size;
    unsigned version, width, height, count;
    size_t glyphs, glyph_bytes; /* where they begin, how long one is */
    bool has_table;             /* of Unicode, behind the glyphs */
} Psf;

static bool read_header(Psf *psf)
{
    static const uint8_t magic2[] = {0x72, 0xb5, 0x4a, 0x86};
    const uint8_t *data = psf->data;
    if (psf->size >= 4 && data[0] == 0x36 && data[1] == 0x04) {
        psf->version = 1;
        psf->width = 8;
        psf->height = data[3];
        psf->count = data[2] & 1 ? 512 : 256;
        psf->has_table = data[2] & 6;
        psf->glyphs = 4;
        psf->glyph_bytes = data[3];
    } else if (psf->size >= 32 && !memcmp(data, magic2, sizeof magic2)) {
        psf->version = 2;
        psf->width = word(data + 28);
        psf->height = word(data + 24);
        psf->count = word(data + 16);
        psf->has_table = word(data + 12) & 1;
        psf->glyphs = word(data + 8);
        psf->glyph_bytes = word(data + 20);
    }
    bool sane = psf->width && psf->width <= FONT_WIDTH_MOST && psf->height &&
                psf->height <= FONT_HEIGHT_MOST && psf->count && psf->count <= FONT_GLYPHS_MOST;
    return sane && psf->glyph_bytes == (size_t)(psf->width + 7) / 8 * psf->height &&
           psf->glyphs <= psf->size && psf->count * psf->glyph_bytes <= psf->size - psf->glyphs;
}

/* One step in the table of characters: a character; 0: something that is none. */
static uint32_t read_mark(const Psf *psf, size_t *at, bool *ends, bool *sequence)
{
    const uint8_t *from = psf->data + *at;
    size_t left = psf->size - *at, length = 1;
    uint32_t ch = 0;
    if (psf->version == 1) {
        ch = left < 2 ? 0xffffu : (uint32_t)(from[0] | from[1] << 8);
        length = left < 2 ? left : 2;
        *ends = ch == 0xffff;
        *sequence |= ch == 0xfffe;
    } else {
        *ends = from[0] == 0xff;
        *sequence |= from[0] == 0xfe;
        size_t decoded = utf8_decode((const char *)from, left, &ch);
        length = decoded ? decoded : 1;
        ch = decoded ? ch : 0;
    }
    *at += length;
    return *ends || *sequence ? 0 : ch;
}

/* One glyph's entry of the table: characters that look like this, then maybe sequences of combining ones. The
 * plainest. */
static uint32_t read_entry(const Psf *psf, size_t *at)
{
    bool ends = false, sequence = false;
    uint32_t best = 0;
    while (!ends && *at < psf->size) {
        uint32_t ch = read_mark(psf, at, &ends, &sequence);
        if (ch && (!best || screen_font_strangeness(ch) < screen_font_strangeness(best)))
            best = ch;
    }
    return best;
}

static ScreenFont *read_psf(const Psf *psf)
{
    unsigned bytes = (psf->width + 7) / 8;
    ScreenFont *font = screen_font_new(psf->width, psf->height, psf->count);
    size_t table = psf->glyphs + psf->count * psf->glyph_bytes;
    for (unsigned n = 0; n < psf->count; n++) {
        uint32_t rows[FONT_HEIGHT_MOST] = {0};
        const uint8_t *from = psf->data + psf->glyphs + n * psf->glyph_bytes;
        for (unsigned k = 0; k < psf->height * bytes; k++)
            rows[k / bytes] |= (uint32_t)from[k] << (24 - 8 * (k % bytes));
        screen_font_put(font, psf->has_table ? read_entry(psf, &table) : screen_font_cp437_character(n),
                        rows);
    }
    return font;
}

/* ---- BGF --------------------------------------------------------------------------------------------- */

/* All numbers are 32-bit words. Characters are spread over chains by their low bits (mask); an entry of a
 * chain is the character with its width instead of the low bits, and where its rows are, a word each. */
typedef struct Bgf {
    const uint8_t *data;
    size_t size;
    uint32_t height, mask, chains, entries, rows; /* the last three: offsets in the file */
} Bgf;

static bool bgf_word(const Bgf *bgf, uint64_t offset, uint32_t *value)
{
    if (offset + 4 > bgf->size)
        return false;
    *value = word(bgf->data + offset);
    return true;
}

static bool read_bgf_header(Bgf *bgf)
{
    enum { MASK_MOST = 0xffff };
    return bgf->size >= 28 && !memcmp(bgf->data, "BGF1", 4) && bgf_word(bgf, 8, &bgf->height) &&
           bgf_word(bgf, 12, &bgf->mask) && bgf_word(bgf, 16, &bgf->chains) &&
           bgf_word(bgf, 20, &bgf->entries) && bgf_word(bgf, 24, &bgf->rows) && bgf->height &&
           bgf->height <= FONT_HEIGHT_MOST && bgf->mask <= MASK_MOST;
}

/* A wide character has two cells. */
static void put_bgf_glyph(ScreenFont *font, const Bgf *bgf, uint32_t ch, uint32_t width, uint32_t at)
{
    enum { CELL = 8 };
    uint32_t rows[FONT_HEIGHT_MOST];
    for (uint32_t y = 0; y < bgf->height; y++)
        if (!bgf_word(bgf, bgf->rows + 4 * ((uint64_t)at + y), &rows[y]))
            return;
    if (width == CELL || width == 2 * CELL)
        screen_font_put(font, ch, rows);
    for (uint32_t y = 0; y < bgf->height; y++)
        rows[y] <<= CELL;
    if (width == 2 * CELL)
        screen_font_put(font, GLYPH_REST, rows);
}

static ScreenFont *read_bgf(const Bgf *bgf)
{
    ScreenFont *font = screen_font_new(8, bgf->height, FONT_GLYPHS_MOST);
    unsigned left = FONT_GLYPHS_MOST; /* chains in a damaged file may have no end */
    for (uint32_t chain = 0; chain <= bgf->mask && left; chain++) {
        uint32_t index, entry, at;
        if (!bgf_word(bgf, bgf->chains + 4 * (uint64_t)chain, &index))
            break;
        for (uint64_t from = bgf->entries + 4 * (uint64_t)index; left; from += 8, left--) {
            if (!bgf_word(bgf, from, &entry) || !entry || !bgf_word(bgf, from + 4, &at))
                break;
            put_bgf_glyph(font, bgf, (entry & ~bgf->mask) | chain, entry & bgf->mask, at);
        }
    }
    return font;
}

/* ---- Files ------------------------------------------------------------------------------------------- */

static ScreenFont *parse_plain(const uint8_t *data, size_t size)
{
    Psf psf = {.data = data, .size = size};
    Bgf bgf = {.data = data, .size = size};
    return read_header(&psf) ? read_psf(&psf) : read_bgf_header(&bgf) ? read_bgf(&bgf) : NULL;
}

ScreenFont *screen_font_parse(const uint8_t *data, size_t size)
{
    enum { GZIP = 16 /* for inflateInit2() */ };
    if (size < 2 || data[0] != 0x1f || data[1] != 0x8b || size > FILE_MOST)
        return parse_plain(data, size);
    uint8_t *plain = checked(malloc(FILE_MOST));
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data,
                       .avail_in = (uInt)size,
                       .next_out = plain,
                       .avail_out = FILE_MOST};
    ScreenFont *font = NULL;
    if (inflateInit2(&stream, GZIP + MAX_WBITS) == Z_OK) {
        if (inflate(&stream, Z_FINISH) == Z_STREAM_END)
            font = parse_plain(plain, stream.total_out);
        inflateEnd(&stream);
    }
    free(plain);
    return font;
}

ScreenFont *screen_font_load(const char *path, Error *err)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = checked(malloc(FILE_MOST));
    size_t size = file ? fread(data, 1, FILE_MOST, file) : 0;
    ScreenFont *font = NULL;
    if (!file || ferror(file))
        error_set(err, "cannot read %.400s: %s", path, strerror(errno));
    else if (!(font = screen_font_parse(data, size)))
        error_set(err, "%.400s is no console font: give a PSF file, as /usr/share/consolefonts has them",
                  path);
    if (file)
        fclose(file);
    free(data);
    return font;
}

/* ---- In an archive ----------------------------------------------------------------------------------- */

enum { CPIO_HEADER = 110, CPIO_NAME_MOST = 4096 };

/* Field n of a header of the format "newc": 8 hexadecimal digits. */
static uint32_t cpio_field(const char *header, unsigned n)
{
    char digits[9] = {0};
    memcpy(digits, header + 6 + 8 * n, 8);
    return (uint32_t)strtoul(digits, NULL, 16);
}

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && !strcmp(name + length - tail, end);
}

static bool skip(gzFile archive, uint32_t bytes)
{
    return !bytes || gzseek(archive, (z_off_t)bytes, SEEK_CUR) >= 0;
}

static ScreenFont *read_member(gzFile archive, uint32_t size)
{
    uint8_t *data = checked(malloc(size + 1));
    bool whole = gzread(archive, data, size) == (int)size;
    ScreenFont *font = whole ? screen_font_parse(data, size) : NULL;
    free(data);
    return font;
}

/* False at the archive's end. */
static bool next_member(gzFile archive, ScreenFont **font)
{
    char header[CPIO_HEADER], name[CPIO_NAME_MOST];
    if (gzread(archive, header, sizeof header) != sizeof header || memcmp(header, "07070", 5))
        return false;
    uint32_t size = cpio_field(header, 6), length = cpio_field(header, 11);
    if (!length || length > sizeof name || gzread(archive, name, length) != (int)length || name[length - 1] ||
        !strcmp(name, "TRAILER!!!") || !skip(archive, -(CPIO_HEADER + length) & 3))
        return false;
    bool is_font = ends_in(name, ".bgf") || ends_in(name, ".psf") || ends_in(name, ".psf.gz");
    bool taken = is_font && size <= FILE_MOST;
    *font = taken ? read_member(archive, size) : NULL;
    return skip(archive, (taken ? 0 : size) + (-size & 3));
}

unsigned screen_font_initrd(const char *path, ScreenFont **font, unsigned most)
{
    unsigned count = 0;
    ScreenFont *found = NULL;
    gzFile archive = gzopen(path, "rb");
    if (!archive)
        return 0;
    gzbuffer(archive, 1 << 18);
    while (count < most && next_member(archive, &found))
        if (found)
            font[count++] = found;
    gzclose_r(archive);
    return count;
}
