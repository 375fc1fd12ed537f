/* Symbols from ELF files (made here, byte by byte) and from System.map. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/symbols.h"

static char path[64];

static void write_file(const void *data, size_t size)
{
    strcpy(path, "/tmp/armature-symbols-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    close(fd);
}

static Symbols *load(const void *data, size_t size, Error *err)
{
    write_file(data, size);
    Symbols *symbols = symbols_load(path, err);
    unlink(path);
    return symbols;
}

static Symbols *load_text(const char *text, Error *err)
{
    return load(text, strlen(text), err);
}

static const char map[] = "c0008000 T _text\n"
                          "c0008000 t $a\n"
                          "         U printk\n"
                          "c0008000 T stext\n"
                          "c0100000 T schedule\n"
                          "c0100200 t helper\n"
                          "c0900000 d table\n"
                          "c0900400 B _end\n";

static void test_map(void **state)
{
    (void)state;
    Error err;
    Symbols *s = load_text(map, &err);
    assert_non_null(s);
    assert_int_equal(symbols_count(s), 6);
    uint32_t address, offset;
    assert_true(symbols_address(s, "schedule", &address));
    assert_int_equal(address, 0xc0100000);
    assert_true(symbols_address(s, "schedule+0x10", &address));
    assert_int_equal(address, 0xc0100010);
    assert_true(symbols_address(s, "schedule+16", &address));
    assert_int_equal(address, 0xc0100010);
    assert_false(symbols_address(s, "schedul", &address));
    assert_false(symbols_address(s, "schedule2", &address));
    assert_false(symbols_address(s, "schedule+", &address));
    assert_false(symbols_address(s, "schedule+0x10z", &address));
    assert_false(symbols_address(s, "", &address));
    assert_string_equal(symbols_name(s, 0xc0100204, &offset), "helper");
    assert_int_equal(offset, 4);
    assert_string_equal(symbols_name(s, 0xc0008000, NULL), "_text");
    assert_null(symbols_name(s, 0xc0007fff, NULL));
    assert_null(symbols_name(s, 0xd0000000, NULL)); /* far behind the last one */
    char text[SYMBOLS_TEXT];
    assert_string_equal(symbols_text(s, 0xc0100004, text, sizeof text), "0xc0100004 (schedule+0x4)");
    assert_string_equal(symbols_text(s, 0x10, text, sizeof text), "0x00000010");
    const char *file;
    unsigned line;
    assert_false(symbols_line(s, 0xc0100004, &file, &line));
    symbols_free(s);
}

static void test_none(void **state)
{
    (void)state;
    char text[SYMBOLS_TEXT];
    uint32_t address;
    assert_string_equal(symbols_text(NULL, 0xc0100004, text, sizeof text), "0xc0100004");
    assert_false(symbols_address(NULL, "schedule", &address));
    assert_null(symbols_name(NULL, 0, NULL));
    assert_int_equal(symbols_count(NULL), 0);
}

static void test_bad_maps(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"hello\n",                          "neither an ELF file nor a System.map"},
        {"c0008000 T _text\nwhat is this\n", "(line 2)"                            },
        {"ffffffff81000000 T _text\n",       "32-bit kernel"                       },
        {"",                                 "has no symbols"                      },
        {"c0008000 U printk\n",              "has no symbols"                      },
    };
    for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++) {
        Error err;
        assert_null(load_text(bad[n].text, &err));
        assert_non_null(strstr(err.text, bad[n].message));
        assert_non_null(strstr(err.text, path));
    }
    Error err;
    assert_null(symbols_load("/nonexistent/System.map", &err));
    assert_non_null(strstr(err.text, "cannot read /nonexistent/System.map"));
}

/* An ELF file with one code section, a symbol table and its strings. */
typedef struct Program {
    Elf32_Ehdr header;
    Elf32_Phdr segment;
    Elf32_Sym symbol[6];
    char strings[64], section_strings[40];
    Elf32_Shdr section[5];
} Program;

static void make_program(Program *p)
{
    *p = (Program){
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_ARM,
                   .e_version = EV_CURRENT,
                   .e_entry = 0x8000,
                   .e_phoff = offsetof(Program, segment),
                   .e_shoff = offsetof(Program, section),
                   .e_ehsize = sizeof(Elf32_Ehdr),
                   .e_phentsize = sizeof(Elf32_Phdr),
                   .e_phnum = 1,
                   .e_shentsize = sizeof(Elf32_Shdr),
                   .e_shnum = 5,
                   .e_shstrndx = 4},
        .segment = {.p_type = PT_LOAD,                                                                            .p_vaddr = 0x8000,           .p_paddr = 0x8000,                         .p_memsz = 0x1000,                                                          .p_align = 4                                                                                                                   },
        .symbol = {{0},
                   {1, 0x8000, 0, ELF32_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, 1},                          /* $a */
                   {4, 0x8000, 0x20, ELF32_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1},                                               /* _start */
                   {11, 0x8041, 0x10, ELF32_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1},                                                                       /* thumb */
                   {17, 0x8008, 0, ELF32_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, 1},                                                                                                                  /* inner */
                   {23, 0, 0, ELF32_ST_INFO(STB_GLOBAL, STT_NOTYPE), 0, SHN_UNDEF}},
        .section = {{0},
                   {.sh_name = 1,
                     .sh_type = SHT_NOBITS,
                     .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                     .sh_addr = 0x8000,
                     .sh_size = 0x1000,
                     .sh_addralign = 4},
                   {.sh_name = 7,
                     .sh_type = SHT_SYMTAB,
                     .sh_offset = offsetof(Program, symbol),
                     .sh_size = 6 * sizeof(Elf32_Sym),
                     .sh_link = 3,
                     .sh_info = 2,
                     .sh_addralign = 4,
                     .sh_entsize = sizeof(Elf32_Sym)},
                   {.sh_name = 15,
                     .sh_type = SHT_STRTAB,
                     .sh_offset = offsetof(Program, strings),
                     .sh_size = 64,
                     .sh_addralign = 1},
                   {.sh_name = 23,
                     .sh_type = SHT_STRTAB,
                     .sh_offset = offsetof(Program, section_strings),
                     .sh_size = 40,
                     .sh_addralign = 1}},
    };
    memcpy(p->strings, "\0$a\0_start\0thumb\0inner\0outside", 31);
    memcpy(p->section_strings, "\0.text\0.symtab\0.strtab\0.shstrtab", 33);
}

static void test_elf(void **state)
{
    (void)state;
    Program program;
    Error err;
    make_program(&program);
    Symbols *s = load(&program, sizeof program, &err);
    assert_non_null(s);
    assert_int_equal(symbols_count(s), 3);
    uint32_t address, offset;
    assert_true(symbols_address(s, "thumb", &address));
    assert_int_equal(address, 0x8040);
    assert_string_equal(symbols_name(s, 0x8046, &offset), "thumb");
    assert_int_equal(offset, 6);
    /* A label inside a function does not hide it. */
    assert_string_equal(symbols_name(s, 0x800c, &offset), "_start");
    assert_int_equal(offset, 12);
    /* Between functions is nothing. */
    assert_null(symbols_name(s, 0x8050, NULL));
    symbols_free(s);
}

static void test_bad_elf(void **state)
{
    (void)state;
    Program program;
    Error err;
    make_program(&program);
    program.header.e_machine = EM_386;
    assert_null(load(&program, sizeof program, &err));
    assert_non_null(strstr(err.text, "not for 32-bit Arm"));
    make_program(&program);
    program.section[2].sh_type = SHT_PROGBITS;
    assert_null(load(&program, sizeof program, &err));
    assert_non_null(strstr(err.text, "has no symbols"));
    assert_null(load(&program, 30, &err));
}

/* Whatever is in the file, loading it ends. */
static void test_hostile_elf(void **state)
{
    (void)state;
    uint32_t random = 12345;
    for (unsigned round = 0; round < 300; round++) {
        Program program;
        Error err;
        make_program(&program);
        for (unsigned n = 0; n < 4; n++) {
            random = random * 1664525 + 1013904223;
            ((uint8_t *)&program)[(random >> 8) % sizeof program] = (uint8_t)(random >> 24);
        }
        Symbols *s = load(&program, sizeof program, &err);
        const char *file;
        unsigned line;
        symbols_name(s, 0x8004, NULL);
        symbols_line(s, 0x8004, &file, &line);
        symbols_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map), cmocka_unit_test(test_none),    cmocka_unit_test(test_bad_maps),
        cmocka_unit_test(test_elf), cmocka_unit_test(test_bad_elf), cmocka_unit_test(test_hostile_elf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
