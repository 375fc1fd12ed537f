#include "devices/sd_registers.h"

#include <string.h>

enum { SDSC_MOST = 1 << 22 /* sectors: 2 GiB */, SDHC_UNIT = 1024, SIZE_BITS = 12, SIZE_BITS_2 = 22 };

/* Bits high to low of a register of so many bytes, which is sent with its highest bit first. */
static void put(uint8_t *reg, unsigned bytes, unsigned high, unsigned low, uint32_t value)
{
    for (unsigned bit = low; bit <= high; bit++, value >>= 1)
        if (value & 1)
            reg[bytes - 1 - bit / 8] |= (uint8_t)(1 << bit % 8);
}

static void put16(uint8_t *reg, unsigned high, unsigned low, uint32_t value)
{
    put(reg, SD_REGISTER_BYTES, high, low, value);
}

/* Section 4.5: x^7 + x^3 + 1 over the first 15 bytes; the last bit is always 1. */
static void finish_with_crc7(uint8_t *reg)
{
    uint8_t crc = 0;
    for (unsigned bit = 0; bit < 8 * (SD_REGISTER_BYTES - 1); bit++) {
        bool in = reg[bit / 8] >> (7 - bit % 8) & 1, out = crc >> 6 & 1;
        crc = (uint8_t)(crc << 1 & 0x7f);
        if (in != out)
            crc ^= 0x09;
    }
    reg[SD_REGISTER_BYTES - 1] = (uint8_t)(crc << 1 | 1);
}

/* ---- Capacity ----------------------------------------------------------------------------------------- */

SdGeometry sd_geometry(uint64_t sectors)
{
    SdGeometry g = {.block_bits = 9};
    if (sectors > SDSC_MOST) {
        uint64_t units = (sectors + SDHC_UNIT - 1) / SDHC_UNIT, most = (1u << SIZE_BITS_2) - 1;
        g.high_capacity = true;
        units = units < most ? units : most;
        g.size = (uint32_t)units - 1;
        g.sectors = (uint32_t)units * SDHC_UNIT;
        return g;
    }
    /* The finest granularity that reaches: 2^(multiplier + 2) blocks. More than 1 GiB needs larger blocks. */
    if (sectors > SDSC_MOST / 2)
        g.block_bits = 10;
    uint32_t in_block = 1u << (g.block_bits - 9), wanted = sectors ? (uint32_t)sectors : 1;
    while (g.multiplier < 7 && (4u << g.multiplier) * in_block << SIZE_BITS < wanted)
        g.multiplier++;
    uint32_t unit = (4u << g.multiplier) * in_block;
    g.size = (wanted + unit - 1) / unit - 1;
    g.sectors = (g.size + 1) * unit;
    return g;
}

/* ---- CSD and CID -------------------------------------------------------------------------------------- */

/* Command classes: basic, block read, block write, erase, application, switch; write protection on SDSC. */
enum { CLASSES = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 10, CLASS_PROTECTION = 1 << 6 };
enum { SPEED_25_MHZ = 0x32, SPEED_50_MHZ = 0x5a, ACCESS_1_MS = 0x0e };

static void csd_of_standard_capacity(const SdGeometry *g, uint8_t *csd)
{
    put16(csd, 95, 84, CLASSES | CLASS_PROTECTION);
    put16(csd, 83, 80, g->block_bits); /* READ_BL_LEN */
    put16(csd, 79, 79, 1);             /* READ_BL_PARTIAL */
    put16(csd, 73, 62, g->size);
    put16(csd, 61, 50, 06666); /* currents: 60 mA at most */
    put16(csd, 49, 47, g->multiplier);
    put16(csd, 38, 32, SD_GROUP_SECTORS / 128 - 1); /* WP_GRP_SIZE, in erase sectors of 128 blocks */
    put16(csd, 31, 31, 1);                          /* WP_GRP_ENABLE */
    put16(csd, 25, 22, g->block_bits);              /* WRITE_BL_LEN */
}

static void csd_of_high_capacity(const SdGeometry *g, uint8_t *csd)
{
    put16(csd, 127, 126, 1);
    put16(csd, 95, 84, CLASSES);
    put16(csd, 83, 80, 9);
    put16(csd, 69, 48, g->size);
    put16(csd, 25, 22, 9);
}

void sd_csd(const SdGeometry *g, uint32_t protection, bool high_speed, uint8_t *csd)
{
    memset(csd, 0, SD_REGISTER_BYTES);
    put16(csd, 119, 112, ACCESS_1_MS);
    put16(csd, 103, 96, high_speed ? SPEED_50_MHZ : SPEED_25_MHZ);
    if (g->high_capacity)
        csd_of_high_capacity(g, csd);
    else
        csd_of_standard_capacity(g, csd);
    put16(csd, 46, 46, 1);    /* ERASE_BLK_EN */
    put16(csd, 45, 39, 0x7f); /* SECTOR_SIZE */
    put16(csd, 28, 26, 2);    /* R2W_FACTOR */
    put16(csd, 14, 12, protection);
    finish_with_crc7(csd);
}

void sd_cid(const char *serial, uint8_t *cid)
{
    uint32_t hash = 0x811c9dc5;
    for (const char *at = serial; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 0x01000193;
    memset(cid, 0, SD_REGISTER_BYTES);
    memcpy(cid + 1, "AM", 2);
    memcpy(cid + 3, "ARMAT", 5);
    put16(cid, 63, 56, 0x10); /* product revision 1.0 */
    put16(cid, 55, 24, hash); /* PSN */
    put16(cid, 19, 12, 24);   /* made in 2024, */
    put16(cid, 11, 8, 1);     /* January */
    finish_with_crc7(cid);
}

/* ---- Blocks of data ----------------------------------------------------------------------------------- */

/* Version 3.0x, 1 and 4 data lines, CMD23; erased is 0. */
void sd_scr(uint8_t *scr)
{
    static const uint8_t value[SD_SCR_BYTES] = {0x02, 0x05, 0x80, 0x02};
    memcpy(scr, value, sizeof value);
}

void sd_status(bool wide, uint8_t *status)
{
    memset(status, 0, SD_STATUS_BYTES);
    put(status, SD_STATUS_BYTES, 511, 510, wide ? 2 : 0);
    put(status, SD_STATUS_BYTES, 447, 440, 4); /* speed class 10 */
    put(status, SD_STATUS_BYTES, 431, 428, 9); /* allocation units of 4 MiB */
}

/* Function 0 of each group, and 1, high speed, of group 1. In a request 15 leaves a group as it is; in the
 * answer it says that the function cannot be had. */
uint32_t sd_switch(uint32_t argument, uint32_t function, uint8_t *status)
{
    bool set = argument >> 31, refused = false;
    uint32_t choice[6];
    for (unsigned group = 0; group < 6; group++) {
        uint32_t wanted = argument >> 4 * group & 15, present = group ? 0 : function;
        uint32_t most = group ? 0 : 1;
        choice[group] = wanted == 15 ? present : wanted <= most ? wanted : 15;
        refused |= choice[group] == 15;
    }
    memset(status, 0, SD_STATUS_BYTES);
    put(status, SD_STATUS_BYTES, 511, 496, refused ? 0 : 100); /* mA */
    for (unsigned group = 0; group < 6; group++) {
        put(status, SD_STATUS_BYTES, 415 + 16 * group, 400 + 16 * group, group ? 0x8001 : 0x8003);
        put(status, SD_STATUS_BYTES, 379 + 4 * group, 376 + 4 * group, choice[group]);
    }
    return set && !refused ? choice[0] : function;
}
