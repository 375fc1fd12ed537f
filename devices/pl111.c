/* PL111 colour LCD controller: PrimeCell Color LCD Controller (PL111) r0p2, DDI 0293. All registers hold what
 * is written, so that firmware and drivers can set a mode up. Not modelled: reading the frame, the cursor,
 * interrupts.
 *
 * Outputs: 0 CLCDINTR (combined). */
#include "devices/device.h"

enum { PALETTE_WORDS = 128, CURSOR_WORDS = 256 };

typedef struct {
    Device dev;
    uint32_t timing[4], upbase, lpbase, control, imsc;
    uint32_t palette[PALETTE_WORDS];
    uint32_t cursor_image[CURSOR_WORDS], cursor_ctrl, cursor_config, cursor_palette[2], cursor_xy,
        cursor_clip;
    uint32_t cursor_imsc;
} State;

static uint32_t upcurr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->upbase;
}

static uint32_t lpcurr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->lpbase;
}

#define ALL 0xffffffffu
/* clang-format off */
static const RegDef regs[] = {
    /* name             offset kind       storage            reset writable    read         written        */
    {"LCDTiming0",      0x000, REG_RW,    AT(timing[0]),      0,   0xfffffffc, NULL,        NULL,   0, 0},
    {"LCDTiming1",      0x004, REG_RW,    AT(timing[1]),      0,   ALL,        NULL,        NULL,   0, 0},
    {"LCDTiming2",      0x008, REG_RW,    AT(timing[2]),      0,   0xffff7fff, NULL,        NULL,   0, 0},
    {"LCDTiming3",      0x00c, REG_RW,    AT(timing[3]),      0,   0x1007f,    NULL,        NULL,   0, 0},
    {"LCDUPBASE",       0x010, REG_RW,    AT(upbase),         0,   0xfffffff8, NULL,        NULL,   0, 0},
    {"LCDLPBASE",       0x014, REG_RW,    AT(lpbase),         0,   0xfffffff8, NULL,        NULL,   0, 0},
    {"LCDControl",      0x018, REG_RW,    AT(control),        0,   0x13fff,    NULL,        NULL,   0, 0},
    {"LCDIMSC",         0x01c, REG_RW,    AT(imsc),           0,   0x1e,       NULL,        NULL,   0, 0},
    {"LCDRIS",          0x020, REG_RO,    NO_STORE,           0,   0,          NULL,        NULL,   0, 0},
    {"LCDMIS",          0x024, REG_RO,    NO_STORE,           0,   0,          NULL,        NULL,   0, 0},
    {"LCDICR",          0x028, REG_WO,    NO_STORE,           0,   0x1e,       NULL,        NULL,   0, 0},
    {"LCDUPCURR",       0x02c, REG_RO,    NO_STORE,           0,   0,          upcurr_read, NULL,   0, 0},
    {"LCDLPCURR",       0x030, REG_RO,    NO_STORE,           0,   0,          lpcurr_read, NULL,   0, 0},
    {"LCDPalette",      0x200, REG_RW,    AT(palette),        0,   ALL,        NULL,        NULL,   PALETTE_WORDS, 0},
    {"CursorImage",     0x800, REG_RW,    AT(cursor_image),   0,   ALL,        NULL,        NULL,   CURSOR_WORDS, 0},
    {"ClcdCrsrCtrl",    0xc00, REG_RW,    AT(cursor_ctrl),    0,   0x31,       NULL,        NULL,   0, 0},
    {"ClcdCrsrConfig",  0xc04, REG_RW,    AT(cursor_config),  0,   0x3,        NULL,        NULL,   0, 0},
    {"ClcdCrsrPalette", 0xc08, REG_RW,    AT(cursor_palette), 0,   0xffffff,   NULL,        NULL,   2, 0},
    {"ClcdCrsrXY",      0xc10, REG_RW,    AT(cursor_xy),      0,   0x3ff03ff,  NULL,        NULL,   0, 0},
    {"ClcdCrsrClip",    0xc14, REG_RW,    AT(cursor_clip),    0,   0x3f3f,     NULL,        NULL,   0, 0},
    {"ClcdCrsrIMSC",    0xc20, REG_RW,    AT(cursor_imsc),    0,   0x1,        NULL,        NULL,   0, 0},
    {"ClcdCrsrICR",     0xc24, REG_WO,    NO_STORE,           0,   0x1,        NULL,        NULL,   0, 0},
    {"ClcdCrsrRIS",     0xc28, REG_RO,    NO_STORE,           0,   0,          NULL,        NULL,   0, 0},
    {"ClcdCrsrMIS",     0xc2c, REG_RO,    NO_STORE,           0,   0,          NULL,        NULL,   0, 0},
};
/* clang-format on */

const DeviceType pl111_type = {
    .name = "pl111",
    .summary = "colour LCD controller, PrimeCell PL111 (DDI 0293), registers only",
    .state_size = sizeof(State),
    .window = 0x1000,
    .regs = regs,
    .reg_count = sizeof regs / sizeof *regs,
    .version = 1,
    .periph_id = 0x00041111,
    .outputs = 1,
};
