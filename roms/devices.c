/* The devices that the monitor can show, under the names that the board's table (machine/boards/) and the log
 * use. Registers whose reading changes something (FIFOs, interrupt acknowledge) are left out. */
#include "console.h"
#include "monitor.h"

typedef struct Reg {
    const char *name;
    uint32_t offset;
} Reg;

typedef struct DeviceInfo {
    const char *name, *what;
    uint32_t base;
    const Reg *regs;
    unsigned count;
} DeviceInfo;

/* clang-format off */
static const Reg sysreg[] = {
    {"SYS_ID", 0x00}, {"SYS_SW", 0x04}, {"SYS_LED", 0x08}, {"SYS_100HZ", 0x24}, {"SYS_FLAGS", 0x30},
    {"SYS_NVFLAGS", 0x38}, {"SYS_MCI", 0x48}, {"SYS_FLASH", 0x4c}, {"SYS_CFGSW", 0x58}, {"SYS_24MHZ", 0x5c},
    {"SYS_MISC", 0x60}, {"SYS_DMA", 0x64}, {"SYS_PROCID0", 0x84}, {"SYS_PROCID1", 0x88}, {"SYS_CFGDATA", 0xa0},
    {"SYS_CFGCTRL", 0xa4}, {"SYS_CFGSTAT", 0xa8},
};
static const Reg sp810[] = {
    {"SCCTRL", 0x00}, {"SCSYSSTAT", 0x04}, {"SCIMCTRL", 0x08}, {"SCIMSTAT", 0x0c},
};
static const Reg i2c[] = {
    {"SB_CONTROL", 0x00},
};
static const Reg pl041[] = {
    {"AACIRXCR1", 0x00}, {"AACITXCR1", 0x04}, {"AACISR1", 0x08}, {"AACIISR1", 0x0c}, {"AACIMAINCR", 0x7c},
    {"AACIMAINFR", 0x84},
};
static const Reg pl180[] = {
    {"MCIPower", 0x00}, {"MCIClock", 0x04}, {"MCIArgument", 0x08}, {"MCICommand", 0x0c}, {"MCIRespCmd", 0x10},
    {"MCIResponse0", 0x14}, {"MCIDataTimer", 0x24}, {"MCIDataLength", 0x28}, {"MCIDataCtrl", 0x2c},
    {"MCIDataCnt", 0x30}, {"MCIStatus", 0x34}, {"MCIMask0", 0x3c}, {"MCIMask1", 0x40}, {"MCIFifoCnt", 0x48},
};
static const Reg pl050[] = {
    {"KMICR", 0x00}, {"KMISTAT", 0x04}, {"KMICLKDIV", 0x0c}, {"KMIIR", 0x10},
};
static const Reg pl011[] = {
    {"UARTRSR", 0x04}, {"UARTFR", 0x18}, {"UARTIBRD", 0x24}, {"UARTFBRD", 0x28}, {"UARTLCR_H", 0x2c},
    {"UARTCR", 0x30}, {"UARTIFLS", 0x34}, {"UARTIMSC", 0x38}, {"UARTRIS", 0x3c}, {"UARTMIS", 0x40},
    {"UARTDMACR", 0x48},
};
static const Reg sp805[] = {
    {"WDOGLOAD", 0x000}, {"WDOGVALUE", 0x004}, {"WDOGCONTROL", 0x008}, {"WDOGRIS", 0x010}, {"WDOGMIS", 0x014},
    {"WDOGLOCK", 0xc00},
};
static const Reg sp804[] = {
    {"TIMER1LOAD", 0x00}, {"TIMER1VALUE", 0x04}, {"TIMER1CONTROL", 0x08}, {"TIMER1RIS", 0x10}, {"TIMER1MIS", 0x14},
    {"TIMER1BGLOAD", 0x18}, {"TIMER2LOAD", 0x20}, {"TIMER2VALUE", 0x24}, {"TIMER2CONTROL", 0x28},
    {"TIMER2RIS", 0x30}, {"TIMER2MIS", 0x34}, {"TIMER2BGLOAD", 0x38},
};
static const Reg pl031[] = {
    {"RTCDR", 0x00}, {"RTCMR", 0x04}, {"RTCLR", 0x08}, {"RTCCR", 0x0c}, {"RTCIMSC", 0x10}, {"RTCRIS", 0x14},
    {"RTCMIS", 0x18},
};
static const Reg pl111[] = {
    {"LCDTiming0", 0x00}, {"LCDTiming1", 0x04}, {"LCDTiming2", 0x08}, {"LCDTiming3", 0x0c}, {"LCDUPBASE", 0x10},
    {"LCDLPBASE", 0x14}, {"LCDControl", 0x18}, {"LCDIMSC", 0x1c}, {"LCDRIS", 0x20}, {"LCDMIS", 0x24},
};
static const Reg pl341[] = {
    {"memc_status", 0x00}, {"memory_cfg", 0x0c}, {"refresh_prd", 0x10},
};
static const Reg pl354[] = {
    {"memc_status", 0x00}, {"memif_cfg", 0x04},
};
static const Reg lan9118[] = {
    {"ID_REV", 0x50}, {"INT_STS", 0x58}, {"BYTE_TEST", 0x64}, {"HW_CFG", 0x74}, {"PMT_CTRL", 0x84},
};
static const Reg scu[] = {
    {"Control", 0x00}, {"Configuration", 0x04}, {"Power_Status", 0x08}, {"Filter_Start", 0x40}, {"Filter_End", 0x44},
    {"SAC", 0x50}, {"SNSAC", 0x54},
};
static const Reg gic_cpu[] = {
    {"ICCICR", 0x00}, {"ICCPMR", 0x04}, {"ICCBPR", 0x08}, {"ICCRPR", 0x14}, {"ICCHPIR", 0x18}, {"ICCABPR", 0x1c},
    {"ICCIIDR", 0xfc},
};
static const Reg gic_dist[] = {
    {"ICDDCR", 0x000}, {"ICDICTR", 0x004}, {"ICDIIDR", 0x008}, {"ICDISER0", 0x100}, {"ICDISER1", 0x104},
    {"ICDISER2", 0x108}, {"ICDISPR0", 0x200}, {"ICDISPR1", 0x204}, {"ICDISPR2", 0x208}, {"ICDABR0", 0x300},
    {"ICDABR1", 0x304}, {"ICDABR2", 0x308},
};
static const Reg global_timer[] = {
    {"Counter_low", 0x00}, {"Counter_high", 0x04}, {"Control", 0x08}, {"Status", 0x0c}, {"Comparator_low", 0x10},
    {"Comparator_high", 0x14}, {"Auto_increment", 0x18},
};
static const Reg private_timer[] = {
    {"Load", 0x00}, {"Counter", 0x04}, {"Control", 0x08}, {"Status", 0x0c},
};
static const Reg private_watchdog[] = {
    {"Load", 0x00}, {"Counter", 0x04}, {"Control", 0x08}, {"Status", 0x0c}, {"Reset_Status", 0x10},
};
static const Reg l2c310[] = {
    {"reg0_cache_id", 0x000}, {"reg0_cache_type", 0x004}, {"reg1_control", 0x100}, {"reg1_aux_control", 0x104},
    {"reg1_tag_ram", 0x108}, {"reg1_data_ram", 0x10c}, {"reg2_int_mask", 0x214}, {"reg2_int_raw", 0x21c},
};

#define REGS(table) table, sizeof table / sizeof *table

static const DeviceInfo devices[] = {
    {"sysreg",    "system registers and configuration bus",     0x10000000, REGS(sysreg)},
    {"sysctl",    "system controller SP810",                    0x10001000, REGS(sp810)},
    {"i2c1",      "I2C, PCI Express switch",                    0x10002000, REGS(i2c)},
    {"aaci",      "audio PL041",                                0x10004000, REGS(pl041)},
    {"mmc",       "memory card PL180",                          0x10005000, REGS(pl180)},
    {"kmi0",      "keyboard PL050",                             0x10006000, REGS(pl050)},
    {"kmi1",      "mouse PL050",                                0x10007000, REGS(pl050)},
    {"uart0",     "UART PL011, this console",                   0x10009000, REGS(pl011)},
    {"uart1",     "UART PL011",                                 0x1000a000, REGS(pl011)},
    {"uart2",     "UART PL011",                                 0x1000b000, REGS(pl011)},
    {"uart3",     "UART PL011",                                 0x1000c000, REGS(pl011)},
    {"wdt0",      "watchdog SP805",                             0x1000f000, REGS(sp805)},
    {"timer01",   "timers SP804",                               0x10011000, REGS(sp804)},
    {"timer23",   "timers SP804",                               0x10012000, REGS(sp804)},
    {"i2c0",      "I2C, DVI transmitter",                       0x10016000, REGS(i2c)},
    {"rtc",       "real-time clock PL031",                      0x10017000, REGS(pl031)},
    {"clcd0",     "display PL111, motherboard",                 0x1001f000, REGS(pl111)},
    {"clcd1",     "display PL111, CoreTile",                    0x10020000, REGS(pl111)},
    {"dmc",       "memory controller PL341",                    0x100e0000, REGS(pl341)},
    {"smc",       "static memory controller PL354",             0x100e1000, REGS(pl354)},
    {"timer45",   "timers SP804, CoreTile",                     0x100e4000, REGS(sp804)},
    {"wdt1",      "watchdog SP805, CoreTile",                   0x100e5000, REGS(sp805)},
    {"scu",       "snoop control unit",                         0x1e000000, REGS(scu)},
    {"gic_cpu",   "interrupt controller, CPU interface",        0x1e000100, REGS(gic_cpu)},
    {"gtimer",    "global timer",                               0x1e000200, REGS(global_timer)},
    {"ptimer",    "private timer",                              0x1e000600, REGS(private_timer)},
    {"pwatchdog", "private watchdog",                           0x1e000620, REGS(private_watchdog)},
    {"gic",       "interrupt controller, distributor",          0x1e001000, REGS(gic_dist)},
    {"l2",        "level 2 cache controller L2C-310",           0x1e00a000, REGS(l2c310)},
    {"lan",       "Ethernet LAN9118",                           0x4e000000, REGS(lan9118)},
};
/* clang-format on */

enum { DEVICES = sizeof devices / sizeof *devices };

void devices_list(void)
{
    for (unsigned i = 0; i < DEVICES; i++)
        print("%-14s %08x  %s\n", devices[i].name, devices[i].base, devices[i].what);
}

bool device_show(const char *name)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        const DeviceInfo *device = &devices[i];
        if (!text_equal(device->name, name))
            continue;
        for (unsigned r = 0; r < device->count; r++)
            print("%08x  %-16s %08x\n", device->base + device->regs[r].offset, device->regs[r].name,
                  *word_at(device->base + device->regs[r].offset));
        return true;
    }
    return false;
}
