/* One sorted table of names, filled from an ELF file's symbol table or from a System.map. Source lines are
 * asked of libdw when they are wanted. */
#define _GNU_SOURCE
#include "machine/symbols.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAR_AWAY = 1 << 20, LOOK_BACK = 8, MOST_BYTES = 1 << 28 };

typedef struct Symbol {
    uint32_t address;
    uint32_t size;  /* 0: not known */
    uint32_t place; /* in the file; later ones give way */
    bool function;
    char *name;
} Symbol;

struct Symbols {
    Symbol *symbol;
    unsigned count, capacity;
    unsigned *by_name; /* indices, sorted by name */
    Dwfl *dwfl;        /* NULL: not an ELF file */
    Dwfl_Module *module;
};

/* ---- The table -------------------------------------------------------------------------------------- */

/* $a, $t and $d mark kinds of code; .L names are the assembler's. */
static bool name_wanted(const char *name)
{
    return name[0] && name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static void add(Symbols *s, uint32_t address, uint32_t size, bool function, const char *name, size_t length)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 4096;
        s->symbol = realloc(s->symbol, s->capacity * sizeof *s->symbol);
    }
    char *copy = strndup(name, length);
    if (!s->symbol || !copy)
        abort();
    s->symbol[s->count] = (Symbol){address, size, s->count, function, copy};
    s->count++;
}

static int compare_addresses(const void *a, const void *b)
{
    const Symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->function != y->function)
        return x->function ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static int compare_names(const void *a, const void *b, void *opaque)
{
    const Symbols *s = opaque;
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    int order = strcmp(s->symbol[x].name, s->symbol[y].name);
    return order ? order : x < y ? -1 : x > y;
}

static void sort(Symbols *s)
{
    qsort(s->symbol, s->count, sizeof *s->symbol, compare_addresses);
    s->by_name = malloc((s->count ? s->count : 1) * sizeof *s->by_name);
    if (!s->by_name)
        abort();
    for (unsigned n = 0; n < s->count; n++)
        s->by_name[n] = n;
    qsort_r(s->by_name, s->count, sizeof *s->by_name, compare_names, s);
}

/* ---- ELF -------------------------------------------------------------------------------------------- */

/* Debug information is looked for in the file alone: nothing shall be fetched from elsewhere. */
static int no_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, const char *file,
                        const char *link, GElf_Word crc, char **found)
{
    (void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)found;
    return -1;
}

static const Dwfl_Callbacks callbacks = {.find_debuginfo = no_debuginfo,
                                         .section_address = dwfl_offline_section_address};

static void add_elf_symbol(Symbols *s, const GElf_Sym *sym, GElf_Addr address, const char *name)
{
    unsigned type = GELF_ST_TYPE(sym->st_info);
    bool wanted = type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE;
    if (!wanted || sym->st_shndx == SHN_UNDEF || !name || !name_wanted(name) || address > UINT32_MAX)
        return;
    /* Bit 0 of a function's address says Thumb. */
    if (type == STT_FUNC)
        address &= ~(GElf_Addr)1;
    uint32_t size = sym->st_size > UINT32_MAX ? 0 : (uint32_t)sym->st_size;
    add(s, (uint32_t)address, size, type == STT_FUNC, name, strlen(name));
}

static bool read_elf(Symbols *s, const char *path, Error *err)
{
    s->dwfl = dwfl_begin(&callbacks);
    if (!s->dwfl)
        abort();
    dwfl_report_begin(s->dwfl);
    s->module = dwfl_report_elf(s->dwfl, "guest", path, -1, 0, false);
    dwfl_report_end(s->dwfl, NULL, NULL);
    GElf_Addr bias;
    Elf *elf = s->module ? dwfl_module_getelf(s->module, &bias) : NULL;
    GElf_Ehdr header;
    if (!elf || !gelf_getehdr(elf, &header))
        return error_set(err, "--symbols: %s is a damaged ELF file: %s", path, dwfl_errmsg(-1));
    if (header.e_machine != EM_ARM)
        return error_set(err, "--symbols: %s is an ELF file, but not for 32-bit Arm", path);
    int count = dwfl_module_getsymtab(s->module);
    for (int n = 0; n < count; n++) {
        GElf_Sym sym;
        GElf_Addr address;
        const char *name = dwfl_module_getsym_info(s->module, n, &sym, &address, NULL, NULL, NULL);
        add_elf_symbol(s, &sym, address, name);
    }
    return s->count ||
           error_set(err,
                     "--symbols: %s has no symbols (it is stripped); use the vmlinux or System.map "
                     "of the kernel's build",
                     path);
}

/* ---- System.map ------------------------------------------------------------------------------------- */

/* "c0008000 T _text": address, kind, name. A 64-bit kernel's addresses are longer. */
static bool add_map_line(Symbols *s, const char *line)
{
    char *end;
    size_t blanks = strspn(line, " ");
    if (blanks >= 8 && strchr("Uw", line[blanks]) && line[blanks + 1] == ' ')
        return true; /* as nm shows what is not defined there */
    unsigned long long address = strtoull(line, &end, 16);
    if (end == line || end - line > 8 || end[0] != ' ' || !end[1] || end[2] != ' ')
        return false;
    const char *name = end + 3;
    size_t length = strcspn(name, " \t\r\n");
    if (!length)
        return false;
    if (name_wanted(name) && !strchr("UwNa", end[1]))
        add(s, (uint32_t)address, 0, strchr("tT", end[1]) != NULL, name, length);
    return true;
}

static bool read_map(Symbols *s, FILE *file, const char *path, Error *err)
{
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    uint64_t bytes = 0;
    bool ok = true;
    for (ssize_t got; ok && (got = getline(&line, &room, file)) >= 0;) {
        number++;
        bytes += (uint64_t)got;
        ok = bytes < MOST_BYTES && (line[strspn(line, " \t\r\n")] == 0 || add_map_line(s, line));
    }
    free(line);
    if (!ok)
        return error_set(err,
                         "--symbols: %s is neither an ELF file nor a System.map of a 32-bit kernel (line %u)",
                         path, number);
    return s->count || error_set(err, "--symbols: %s has no symbols", path);
}

/* ---- Public ----------------------------------------------------------------------------------------- */

Symbols *symbols_load(const char *path, Error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        error_set(err, "--symbols: cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    Symbols *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    char magic[4] = "";
    bool elf = fread(magic, 1, sizeof magic, file) == sizeof magic && !memcmp(magic, ELFMAG, SELFMAG);
    rewind(file);
    bool ok = elf ? read_elf(s, path, err) : read_map(s, file, path, err);
    fclose(file);
    if (!ok) {
        symbols_free(s);
        return NULL;
    }
    sort(s);
    return s;
}

void symbols_free(Symbols *symbols)
{
    if (!symbols)
        return;
    for (unsigned n = 0; n < symbols->count; n++)
        free(symbols->symbol[n].name);
    free(symbols->symbol);
    free(symbols->by_name);
    if (symbols->dwfl)
        dwfl_end(symbols->dwfl);
    free(symbols);
}

unsigned symbols_count(const Symbols *symbols)
{
    return symbols ? symbols->count : 0;
}

static const Symbol *find_name(const Symbols *s, const char *name, size_t length)
{
    unsigned low = 0, high = s->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const char *have = s->symbol[s->by_name[middle]].name;
        int order = strncmp(have, name, length);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->count; low++) {
        const Symbol *symbol = &s->symbol[s->by_name[low]];
        if (strncmp(symbol->name, name, length))
            return NULL;
        if (!symbol->name[length])
            return symbol;
    }
    return NULL;
}

bool symbols_address(const Symbols *symbols, const char *name, uint32_t *address)
{
    size_t length = strcspn(name, "+");
    unsigned long long offset = 0;
    if (!symbols || !length)
        return false;
    if (name[length]) {
        char *end;
        errno = 0;
        offset = strtoull(name + length + 1, &end, 0);
        if (end == name + length + 1 || *end || errno || offset > UINT32_MAX)
            return false;
    }
    const Symbol *symbol = find_name(symbols, name, length);
    if (symbol)
        *address = symbol->address + (uint32_t)offset;
    return symbol != NULL;
}

/* The function that address lies in; else the nearest name below. */
static const Symbol *find_address(const Symbols *s, uint32_t address)
{
    unsigned low = 0, high = s->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (s->symbol[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const Symbol *covering = NULL, *nearest = NULL;
    for (unsigned n = low, looked = 0; n > 0 && looked < LOOK_BACK; n--, looked++) {
        const Symbol *symbol = &s->symbol[n - 1];
        uint32_t offset = address - symbol->address;
        if (covering && covering->address != symbol->address)
            break;
        if (symbol->size && offset < symbol->size)
            covering = symbol;
        else if (!symbol->size && offset < FAR_AWAY && symbol->address == s->symbol[low - 1].address)
            nearest = symbol;
    }
    return covering ? covering : nearest;
}

const char *symbols_name(const Symbols *symbols, uint32_t address, uint32_t *offset)
{
    const Symbol *symbol = symbols ? find_address(symbols, address) : NULL;
    if (!symbol)
        return NULL;
    if (offset)
        *offset = address - symbol->address;
    return symbol->name;
}

bool symbols_line(const Symbols *symbols, uint32_t address, const char **file, unsigned *line)
{
    if (!symbols || !symbols->module)
        return false;
    Dwfl_Line *at = dwfl_module_getsrc(symbols->module, address);
    int number = 0;
    *file = at ? dwfl_lineinfo(at, NULL, &number, NULL, NULL, NULL) : NULL;
    *line = (unsigned)number;
    return *file && number > 0;
}

const char *symbols_text(const Symbols *symbols, uint32_t address, char *text, size_t size)
{
    uint32_t offset;
    unsigned line;
    const char *file, *name = symbols_name(symbols, address, &offset);
    if (!name)
        snprintf(text, size, "0x%08x", address);
    else if (symbols_line(symbols, address, &file, &line))
        snprintf(text, size, "0x%08x (%.80s+0x%x, %.100s:%u)", address, name, offset, file, line);
    else
        snprintf(text, size, "0x%08x (%.80s+0x%x)", address, name, offset);
    return text;
}
