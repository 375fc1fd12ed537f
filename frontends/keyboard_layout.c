/* The layouts are data: four rows of keys, as they lie on the keyboard, at up to three levels. They follow
 * what Debian's keyboard-configuration and X (xkeyboard-config) call by these names. */
#include "frontends/keyboard_layout.h"

#include <string.h>

#include "machine/keys.h"

enum { ROWS = 4, LEVELS = 3 /* plain, with Shift, with AltGr */ };

struct KeyboardLayout {
    const char *name;
    const char *row[ROWS][LEVELS]; /* a character for each key; a blank: nothing that is of use here */
    const char *dead; /* of the first two levels: keys that wait for a letter to put their accent on */
};

static const char *const row_keys[ROWS] = {
    "GRAVE 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL",
    "Q W E R T Y U I O P LEFTBRACE RIGHTBRACE",
    "A S D F G H J K L SEMICOLON APOSTROPHE BACKSLASH",
    "102ND Z X C V B N M COMMA DOT SLASH",
};

/* clang-format off */
static const KeyboardLayout layouts[] = {
    {"us",
     {{"`1234567890-=", "~!@#$%^&*()_+", ""},
      {"qwertyuiop[]",  "QWERTYUIOP{}",  ""},
      {"asdfghjkl;'\\", "ASDFGHJKL:\"|", ""},
      {" zxcvbnm,./",   " ZXCVBNM<>?",   ""}}, ""},
    {"uk",
     {{"`1234567890-=", "¬!\"£$%^&*()_+", "    €"},
      {"qwertyuiop[]",  "QWERTYUIOP{}",   ""},
      {"asdfghjkl;'#",  "ASDFGHJKL:@~",   ""},
      {"\\zxcvbnm,./",  "|ZXCVBNM<>?",    ""}}, ""},
    {"de",
     {{"^1234567890ß´", "°!\"§$%&/()=?`", "  ²³   {[]}\\"},
      {"qwertzuiopü+",  "QWERTZUIOPÜ*",   "@ €        ~"},
      {"asdfghjklöä#",  "ASDFGHJKLÖÄ'",   ""},
      {"<yxcvbnm,.-",   ">YXCVBNM;:_",    "|      µ"}}, "^´`"},
    {"fr",
     {{"²&é\"'(-è_çà)=", " 1234567890°+", "  ~#{[|`\\^@]}"},
      {"azertyuiop^$",   "AZERTYUIOP¨£",  "  €        ¤"},
      {"qsdfghjklmù*",   "QSDFGHJKLM%µ",  ""},
      {"<wxcvbn,;:!",    ">WXCVBN?./§",   ""}}, "^¨"},
    {"es",
     {{"º1234567890'¡", "ª!\"·$%&/()=?¿", "\\|@#~ ¬"},
      {"qwertyuiop`+",  "QWERTYUIOP^*",   "  €       []"},
      {"asdfghjklñ´ç",  "ASDFGHJKLÑ¨Ç",   "          {}"},
      {"<zxcvbnm,.-",   ">ZXCVBNM;:_",    ""}}, "`^´¨"},
    {"it",
     {{"\\1234567890'ì", "|!\"£$%&/()=?^", "       {  }`~"},
      {"qwertyuiopè+",   "QWERTYUIOPé*",   "  €       []"},
      {"asdfghjklòàù",   "ASDFGHJKLç°§",   "         @#"},
      {"<zxcvbnm,.-",    ">ZXCVBNM;:_",    ""}}, ""},
};

const char keyboard_layout_names[] = "us uk de fr es it";

/* What dead keys make of letters. */
static const struct { const char *accent, *letters, *composed; } compositions[] = {
    {"´", "aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ"},
    {"`", "aeiouAEIOU",   "àèìòùÀÈÌÒÙ"},
    {"^", "aeiouAEIOU",   "âêîôûÂÊÎÔÛ"},
    {"¨", "aeiouyAEIOU",  "äëïöüÿÄËÏÖÜ"},
};

/* Keys that are the same in all layouts. */
static const struct { uint32_t ch; const char *key; } common[] = {
    {' ', "SPACE"}, {'\n', "ENTER"}, {'\r', "ENTER"}, {'\t', "TAB"}, {'\b', "BACKSPACE"}, {0x7f, "BACKSPACE"},
    {0x1b, "ESC"},
};
/* clang-format on */

const KeyboardLayout *keyboard_layout_find(const char *name)
{
    for (unsigned n = 0; n < sizeof layouts / sizeof *layouts; n++)
        if (!strcmp(layouts[n].name, name))
            return &layouts[n];
    return NULL;
}

const char *keyboard_layout_name(const KeyboardLayout *layout)
{
    return layout->name;
}

/* ---- UTF-8 --------------------------------------------------------------------------------------------- */

size_t utf8_decode(const char *text, size_t length, uint32_t *ch)
{
    const uint8_t *from = (const uint8_t *)text;
    if (!length)
        return 0;
    size_t count = from[0] < 0x80                      ? 1
                   : from[0] >= 0xc2 && from[0] < 0xe0 ? 2
                   : from[0] >= 0xe0 && from[0] < 0xf0 ? 3
                   : from[0] >= 0xf0 && from[0] < 0xf5 ? 4
                                                       : 0;
    if (!count || count > length)
        return 0;
    *ch = count == 1 ? from[0] : from[0] & (0x7fu >> count);
    for (size_t n = 1; n < count; n++) {
        if ((from[n] & 0xc0) != 0x80)
            return 0;
        *ch = *ch << 6 | (from[n] & 0x3f);
    }
    bool overlong = (count == 3 && *ch < 0x800) || (count == 4 && *ch < 0x10000);
    return overlong || *ch > 0x10ffff || (*ch >= 0xd800 && *ch < 0xe000) ? 0 : count;
}

size_t utf8_encode(uint32_t ch, char *text)
{
    size_t count = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
    for (size_t n = count - 1; n > 0; n--, ch >>= 6)
        text[n] = (char)(0x80 | (ch & 0x3f));
    text[0] = (char)(count == 1 ? ch : (0xf00u >> count & 0xff) | ch);
    return count;
}

/* Where ch is in UTF-8 text, in characters; -1 if it is not. */
static int index_of(const char *text, uint32_t ch)
{
    size_t left = strlen(text), length;
    uint32_t at;
    for (int n = 0; (length = utf8_decode(text, left, &at)); n++) {
        if (at == ch)
            return n;
        text += length;
        left -= length;
    }
    return -1;
}

static uint32_t character_at(const char *text, int index)
{
    size_t left = strlen(text), length;
    uint32_t ch = 0;
    for (int n = 0; n <= index && (length = utf8_decode(text, left, &ch)); n++) {
        text += length;
        left -= length;
    }
    return ch;
}

/* ---- Keys ---------------------------------------------------------------------------------------------- */

static uint16_t code_of(const char *name)
{
    return key_by_name(name)->code;
}

/* The key that is number `index` in a row. */
static uint16_t row_code(const char *names, int index)
{
    char name[16];
    for (; index > 0; index--)
        names += strcspn(names, " ") + 1;
    size_t length = strcspn(names, " ");
    memcpy(name, names, length);
    name[length] = 0;
    return code_of(name);
}

/* The key that has the character, dead or not as is wanted. */
static bool find_key(const KeyboardLayout *layout, uint32_t ch, bool dead, Keystroke *stroke)
{
    bool on_dead_key = index_of(layout->dead, ch) >= 0;
    for (unsigned level = 0; level < LEVELS; level++) {
        bool is_dead = on_dead_key && level < 2;
        for (unsigned row = 0; is_dead == dead && row < ROWS; row++) {
            int index = index_of(layout->row[row][level], ch);
            if (index < 0)
                continue;
            *stroke = (Keystroke){row_code(row_keys[row], index), level == 1, level == 2};
            return true;
        }
    }
    return false;
}

/* A dead key and a letter, or a blank for the accent alone. */
static bool compose(const KeyboardLayout *layout, uint32_t ch, Keystroke stroke[KEYSTROKES_MOST])
{
    for (unsigned n = 0; n < sizeof compositions / sizeof *compositions; n++) {
        uint32_t accent = character_at(compositions[n].accent, 0);
        int index = index_of(compositions[n].composed, ch);
        if (accent == ch && accent < 0x80 && find_key(layout, accent, true, &stroke[0])) {
            stroke[1] = (Keystroke){.code = code_of("SPACE")};
            return true;
        }
        if (index >= 0 && find_key(layout, accent, true, &stroke[0]))
            return find_key(layout, character_at(compositions[n].letters, index), false, &stroke[1]);
    }
    return false;
}

unsigned keyboard_layout_strokes(const KeyboardLayout *layout, uint32_t ch, Keystroke stroke[KEYSTROKES_MOST])
{
    for (unsigned n = 0; n < sizeof common / sizeof *common; n++) {
        if (common[n].ch != ch)
            continue;
        stroke[0] = (Keystroke){.code = code_of(common[n].key)};
        return 1;
    }
    if (find_key(layout, ch, false, &stroke[0]))
        return 1;
    return compose(layout, ch, stroke) ? 2 : 0;
}
