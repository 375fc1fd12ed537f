/* Disassembles words from standard input, each as "A32 e1a00000", "T16 4770" or "T32 f3af8000": a line with
 * the name of the line of the table, a tab and the text. For compare_objdump.py. */
#include <stdio.h>
#include <string.h>

#include "cpu/insn.h"

enum { ADDRESS = 0x10000 };

static InsnSet set_named(const char *name)
{
    return strcmp(name, "A32") == 0 ? SET_A32 : strcmp(name, "T32") == 0 ? SET_T32 : SET_T16;
}

int main(void)
{
    char set[4], text[256];
    unsigned raw;
    decode_init();
    while (scanf("%3s %x", set, &raw) == 2) {
        Insn insn;
        decode(&insn, set_named(set), raw, 0);
        disassemble(&insn, ADDRESS, text, sizeof text);
        printf("%s\t%s\n", insn_table[insn.row].name, text);
    }
    return 0;
}
