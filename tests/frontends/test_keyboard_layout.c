/* Characters as keys of the layouts that a guest may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/keyboard_layout.h"
#include "machine/keys.h"

/* "LEFTSHIFT+7", or two such strokes with a blank between them; "" if there are none. */
static const char *strokes(const char *layout, const char *character)
{
    static char text[80];
    Keystroke stroke[KEYSTROKES_MOST];
    uint32_t ch = 0;
    assert_int_equal(utf8_decode(character, strlen(character), &ch), strlen(character));
    const KeyboardLayout *found = keyboard_layout_find(layout);
    assert_non_null(found);
    unsigned count = keyboard_layout_strokes(found, ch, stroke);
    text[0] = 0;
    for (unsigned n = 0; n < count; n++) {
        assert_false(stroke[n].shift && stroke[n].altgr);
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s%s", n ? " " : "",
                 stroke[n].shift   ? "SHIFT+"
                 : stroke[n].altgr ? "ALTGR+"
                                   : "",
                 key_by_code(stroke[n].code)->name);
    }
    return text;
}

/* From the layouts' descriptions in xkeyboard-config 2.35, and the keyboards themselves. */
static void known_keys(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *layout, *character, *strokes; } known[] = {
        {"us", "a", "A"},          {"us", "A", "SHIFT+A"},        {"us", "@", "SHIFT+2"},     {"us", "\\", "BACKSLASH"},
        {"us", "|", "SHIFT+BACKSLASH"}, {"us", "~", "SHIFT+GRAVE"}, {"us", "<", "SHIFT+COMMA"}, {"us", "\n", "ENTER"},
        {"us", "\xc3\xa4", ""},    {"us", "\t", "TAB"},           {"us", " ", "SPACE"},       {"us", "\x1b", "ESC"},
        {"uk", "@", "SHIFT+APOSTROPHE"}, {"uk", "\"", "SHIFT+2"}, {"uk", "#", "BACKSLASH"},   {"uk", "~", "SHIFT+BACKSLASH"},
        {"uk", "\\", "102ND"},     {"uk", "|", "SHIFT+102ND"},    {"uk", "\u00a3", "SHIFT+3"}, {"uk", "\u20ac", "ALTGR+4"},
        {"de", "y", "Z"},          {"de", "Z", "SHIFT+Y"},        {"de", "/", "SHIFT+7"},     {"de", "-", "SLASH"},
        {"de", "@", "ALTGR+Q"},    {"de", "\\", "ALTGR+MINUS"},   {"de", "{", "ALTGR+7"},     {"de", "|", "ALTGR+102ND"},
        {"de", "~", "ALTGR+RIGHTBRACE"}, {"de", "\u20ac", "ALTGR+E"}, {"de", "\u00df", "MINUS"}, {"de", "#", "BACKSLASH"},
        {"de", "^", "GRAVE SPACE"}, {"de", "`", "SHIFT+EQUAL SPACE"}, {"de", "\u00e9", "EQUAL E"}, {"de", "\u00c8", "SHIFT+EQUAL SHIFT+E"},
        {"de", "'", "SHIFT+BACKSLASH"}, {"de", "\u00b0", "SHIFT+GRAVE"}, {"de", "_", "SHIFT+SLASH"}, {"de", "=", "SHIFT+0"},
        {"fr", "a", "Q"},          {"fr", "m", "SEMICOLON"},      {"fr", "1", "SHIFT+1"},     {"fr", "&", "1"},
        {"fr", ".", "SHIFT+COMMA"}, {"fr", ",", "M"},             {"fr", "@", "ALTGR+0"},     {"fr", "\\", "ALTGR+8"},
        {"fr", "^", "ALTGR+9"},    {"fr", "\u00ea", "LEFTBRACE E"}, {"fr", "\u00eb", "SHIFT+LEFTBRACE E"}, {"fr", "\u00e9", "2"},
        {"fr", "~", "ALTGR+2"},    {"fr", "|", "ALTGR+6"},        {"fr", "*", "BACKSLASH"},   {"fr", "/", "SHIFT+DOT"},
        {"es", "\u00f1", "SEMICOLON"}, {"es", "@", "ALTGR+2"},    {"es", "\u00e1", "APOSTROPHE A"}, {"es", "|", "ALTGR+1"},
        {"es", "/", "SHIFT+7"},    {"es", "{", "ALTGR+APOSTROPHE"}, {"es", "`", "LEFTBRACE SPACE"}, {"es", "~", "ALTGR+4"},
        {"it", "\u00e8", "LEFTBRACE"}, {"it", "@", "ALTGR+SEMICOLON"}, {"it", "#", "ALTGR+APOSTROPHE"}, {"it", "\\", "GRAVE"},
        {"it", "{", "ALTGR+7"},    {"it", "}", "ALTGR+0"},        {"it", "~", "ALTGR+EQUAL"}, {"it", "^", "SHIFT+EQUAL"},
    };
    /* clang-format on */
    for (unsigned n = 0; n < sizeof known / sizeof *known; n++)
        assert_string_equal(strokes(known[n].layout, known[n].character), known[n].strokes);
}

/* Everything that a shell needs, each character with strokes of its own. */
static void all_of_ascii(void **state)
{
    (void)state;
    char names[100], seen[128][80];
    snprintf(names, sizeof names, "%s", keyboard_layout_names);
    for (char *name = strtok(names, " "); name; name = strtok(NULL, " "))
        for (unsigned ch = ' '; ch < 0x7f; ch++) {
            char text[2] = {(char)ch};
            snprintf(seen[ch], sizeof seen[ch], "%s", strokes(name, text));
            if (!*seen[ch])
                fail_msg("%s has no key for %c", name, ch);
            for (unsigned other = ' '; other < ch; other++)
                if (!strcmp(seen[other], seen[ch]))
                    fail_msg("%s: %c is %c", name, ch, other);
        }
    assert_null(keyboard_layout_find("dvorak"));
    assert_null(keyboard_layout_find(""));
}

static void utf8(void **state)
{
    (void)state;
    static const uint32_t edges[] = {0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
    static const char *const wrong[] = {"\x80",
                                        "\xc0\x80",
                                        "\xc3",
                                        "\xe0\x80\x80",
                                        "\xed\xa0\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xc3\x28",
                                        "\xff"};
    for (unsigned n = 0; n < sizeof edges / sizeof *edges; n++) {
        char text[4];
        uint32_t ch = 0;
        size_t length = utf8_encode(edges[n], text);
        assert_int_equal(utf8_decode(text, length, &ch), length);
        assert_int_equal(ch, edges[n]);
        assert_int_equal(utf8_decode(text, length - 1, &ch), 0);
    }
    for (unsigned n = 0; n < sizeof wrong / sizeof *wrong; n++) {
        uint32_t ch;
        assert_int_equal(utf8_decode(wrong[n], strlen(wrong[n]), &ch), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys),
        cmocka_unit_test(all_of_ascii),
        cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
