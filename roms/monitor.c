/* The monitor: reads commands from the console and does them. */
#include "console.h"
#include "monitor.h"

enum { MAX_WORDS = 8, LINE_BYTES = 128 };

typedef struct Words {
    unsigned count;
    const char *word[MAX_WORDS];
} Words;

typedef struct Command {
    const char *name, *arguments, *help;
    bool (*run)(const Words *words); /* false: show how it is used */
} Command;

void line_read(char *line, unsigned size)
{
    unsigned length = 0;
    for (;;) {
        char ch = console_get();
        if (ch == '\r' || ch == '\n')
            break;
        if (ch == 0x15) { /* Ctrl-U */
            for (; length; length--)
                print("\b \b");
        } else if ((ch == '\b' || ch == 0x7f) && length) {
            length--;
            print("\b \b");
        } else if (ch == 0x03) { /* Ctrl-C */
            length = 0;
            break;
        } else if (ch >= ' ' && ch < 0x7f && length < size - 1) {
            line[length++] = ch;
            console_put(ch);
        }
    }
    line[length] = 0;
    print("\n");
}

/* Cuts the line into words. */
static void split(char *line, Words *words)
{
    words->count = 0;
    while (words->count < MAX_WORDS) {
        while (*line == ' ')
            *line++ = 0;
        if (!*line)
            return;
        words->word[words->count++] = line;
        while (*line && *line != ' ')
            line++;
    }
}

static int digit_value(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Hexadecimal with or without 0x; k and m at the end multiply by 2^10 and 2^20. */
static bool number(const char *text, uint32_t *value)
{
    if (text[0] == '0' && (text[1] | 0x20) == 'x')
        text += 2;
    *value = 0;
    bool any = false;
    for (int digit; (digit = digit_value(*text)) >= 0; text++, any = true)
        *value = *value << 4 | (uint32_t)digit;
    if ((*text | 0x20) == 'k' || (*text | 0x20) == 'm')
        *value <<= (*text++ | 0x20) == 'k' ? 10 : 20;
    return any && !*text;
}

/* Argument i as a number; `missing` if it is not there, false if it is none. */
static bool argument(const Words *words, unsigned i, uint32_t missing, uint32_t *value)
{
    *value = missing;
    return i >= words->count || number(words->word[i], value);
}

/* Access size from the command's suffix: md.b, md.h, md.w (the default); 0 if it is none of these. */
static unsigned access_size(const char *command)
{
    if (!command[2])
        return 4;
    char suffix = command[2] == '.' && command[3] && !command[4] ? command[3] : 0;
    return suffix == 'b' ? 1 : suffix == 'h' ? 2 : suffix == 'w' ? 4 : 0;
}

static uint32_t load(uint32_t address, unsigned size)
{
    if (size == 1)
        return *(volatile uint8_t *)(uintptr_t)address;
    if (size == 2)
        return *(volatile uint16_t *)(uintptr_t)address;
    return *word_at(address);
}

static void store(uint32_t address, unsigned size, uint32_t value)
{
    if (size == 1)
        *(volatile uint8_t *)(uintptr_t)address = (uint8_t)value;
    else if (size == 2)
        *(volatile uint16_t *)(uintptr_t)address = (uint16_t)value;
    else
        *word_at(address) = value;
}

static void show_value(uint32_t value, unsigned size)
{
    if (size == 1)
        print(" %02x", value);
    else if (size == 2)
        print(" %04x", value);
    else
        print(" %08x", value);
}

/* Values in a line of 16 bytes. */
static unsigned per_line(unsigned size)
{
    return size == 1 ? 16 : size == 2 ? 8 : 4;
}

static bool md_run(const Words *words)
{
    unsigned size = access_size(words->word[0]);
    uint32_t address, count;
    if (!size || words->count < 2 || !number(words->word[1], &address) ||
        !argument(words, 2, 4 * per_line(size), &count))
        return false;
    address &= ~(size - 1u);
    for (uint32_t i = 0; i < count && !console_interrupted();) {
        print("%08x:", address + i * size);
        /* Device registers must be read once only, so the text column shows what was read. */
        char text[17];
        unsigned length = 0;
        for (unsigned column = 0; column < per_line(size) && i < count; column++, i++) {
            uint32_t value = load(address + i * size, size);
            show_value(value, size);
            for (unsigned byte = 0; byte < size; byte++, value >>= 8)
                text[length++] = (value & 0xff) >= ' ' && (value & 0xff) < 0x7f ? (char)value : '.';
        }
        text[length] = 0;
        print("  %s\n", text);
    }
    return true;
}

static bool mw_run(const Words *words)
{
    unsigned size = access_size(words->word[0]);
    uint32_t address, value, count;
    if (!size || words->count < 3 || !number(words->word[1], &address) || !number(words->word[2], &value) ||
        !argument(words, 3, 1, &count))
        return false;
    address &= ~(size - 1u);
    for (uint32_t i = 0; i < count; i++)
        store(address + i * size, size, value);
    return true;
}

static bool dev_run(const Words *words)
{
    if (words->count < 2 || text_equal(words->word[1], "list"))
        devices_list();
    else if (!device_show(words->word[1]))
        print("There is no device \"%s\". dev lists them.\n", words->word[1]);
    return true;
}

static bool memtest_run(const Words *words)
{
    uint32_t start, bytes;
    if (!argument(words, 1, boot_params()->ram_base, &start) || !argument(words, 2, 4 << 20, &bytes))
        return false;
    memtest(start & ~3u, bytes & ~3u);
    return true;
}

static bool go_run(const Words *words)
{
    uint32_t entry;
    if (words->count < 2 || !number(words->word[1], &entry))
        return false;
    print("Entering %08x\n", entry);
    console_flush();
    uint32_t result = rom_call(entry);
    print("\nReturned with r0 = %08x\n", result);
    return true;
}

static bool info_run(const Words *words)
{
    (void)words;
    const BootParams *params = boot_params();
    uint32_t midr, mpidr;
    __asm__ volatile("mrc p15, 0, %0, c0, c0, 0" : "=r"(midr));
    __asm__ volatile("mrc p15, 0, %0, c0, c0, 5" : "=r"(mpidr));
    print("CPUs     %u, Cortex-A9 r%up%u (MIDR %08x); this one is number %u\n", params->cpus,
          midr >> 20 & 0xf, midr & 0xf, midr, mpidr & 3);
    print("Board    SYS_ID %08x, SYS_PROCID0 %08x\n", *word_at(0x10000000), *word_at(0x10000084));
    print("RAM      %08x to %08x, %u MiB\n", params->ram_base, params->ram_base + params->ram_bytes - 1,
          params->ram_bytes >> 20);
    print("PSRAM    48000000 to 49ffffff, 32 MiB; the last 64 KiB are the monitor's\n");
    print("Flash    40000000 to 47ffffff, 2 banks of 64 MiB\n");
    print("Video    4c000000 to 4c7fffff, 8 MiB\n");
    return true;
}

static bool config_run(const Words *words)
{
    console_flush();
    config_write(text_equal(words->word[0], "reset") ? CONFIG_REBOOT : CONFIG_SHUTDOWN, 0, 0);
    return true;
}

static bool help_run(const Words *words);

static const Command commands[] = {
    {"help",     "",                              "show this list",                            help_run   },
    {"info",     "",                              "show CPUs and memory",                      info_run   },
    {"md",       "[.b|.h] ADDRESS [COUNT]",       "show memory as words, bytes or half-words", md_run     },
    {"mw",       "[.b|.h] ADDRESS VALUE [COUNT]", "change memory",                             mw_run     },
    {"dev",      "[NAME]",                        "list the devices, or show one's registers", dev_run    },
    {"memtest",  "[START [SIZE]]",                "test memory (its contents are lost)",       memtest_run},
    {"go",       "ADDRESS",                       "run a program; bit 0 set: in Thumb state",  go_run     },
    {"reset",    "",                              "start the machine again",                   config_run },
    {"poweroff", "",                              "switch the machine off, and end Armature",  config_run },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static bool help_run(const Words *words)
{
    (void)words;
    for (unsigned i = 0; i < COMMANDS; i++)
        print("%-9s%-30s%s\n", commands[i].name, commands[i].arguments, commands[i].help);
    print("Numbers are hexadecimal; k and m at the end mean KiB and MiB.\n");
    return true;
}

/* md and mw carry the access size as a suffix. */
static bool is_command(const Command *command, const char *word)
{
    if (text_equal(word, command->name))
        return true;
    bool sized = command->run == md_run || command->run == mw_run;
    return sized && word[0] == command->name[0] && word[1] == command->name[1] && word[2] == '.';
}

static void run_line(char *line)
{
    Words words;
    split(line, &words);
    if (!words.count)
        return;
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (!is_command(&commands[i], words.word[0]))
            continue;
        if (!commands[i].run(&words))
            print("Usage: %s %s\n", commands[i].name, commands[i].arguments);
        return;
    }
    print("\"%s\" is no command. Type help for the list.\n", words.word[0]);
}

void monitor_run(void)
{
    char line[LINE_BYTES];
    for (;;) {
        print("> ");
        line_read(line, sizeof line);
        run_line(line);
    }
}
