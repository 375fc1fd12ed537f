/* Texts and Lua patterns in a stream: hand cases, and random ones compared with Lua itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "frontends/matcher.h"
#include "frontends/transcript.h"
#include "tests/fuzz/random.h"

static bool find(Matcher *matcher, const char *text, size_t length, Match *match)
{
    matcher_start(matcher, 0);
    for (size_t n = 0; n < length; n++)
        if (matcher_feed(matcher, (uint8_t)text[n], match))
            return true;
    return false;
}

typedef struct Case {
    const char *pattern, *text;
    bool is_pattern;
    int start, end;       /* -1: no match */
    const char *captures; /* joined with | */
} Case;

/* clang-format off */
static const Case cases[] = {
    {"login:",       "debian login: ",     false, 7, 13, ""},
    {"aab",          "aaab",               false, 1, 4, ""},
    {"abab",         "abaabab",            false, 3, 7, ""},
    {"%d.%d",        "1.2 %d.%d",          false, 4, 9, ""},
    {"x",            "abc",                false, -1, 0, ""},
    {"%d+",          "abc123",             true,  3, 4, ""},       /* ends as soon as it can */
    {"(%d+)\r",      "abc123\r",           true,  3, 7, "123"},
    {"(%a+) (%a+):", "say hello world: x", true,  4, 16, "hello|world"},
    {"^abc",         "abcabc",             true,  0, 3, ""},
    {"^bc",          "abc",                true,  -1, 0, ""},
    {"# $",          "a # b # ",           true,  2, 4, ""},
    {"a.-b",         "xaxxbxb",            true,  1, 5, ""},
    {"a.*b",         "xaxxbxb",            true,  1, 5, ""},
    {"[^%s]+ ",      "  ab cd",            true,  2, 5, ""},
    {"[]]",          "a]",                 true,  1, 2, ""},
    {"[a-c-]x",      "-x",                 true,  0, 2, ""},
    {"%-%%",         "a-%",                true,  1, 3, ""},
    {"colou?r",      "a color",            true,  2, 7, ""},
    {"(a)(b?)(c)",   "xac",                true,  1, 3, "a||c"},
    {"((a)b)",       "ab",                 true,  0, 2, "ab|a"},
    {"()b",          "aab",                true,  2, 3, "@2"},
    {"x%u%l%p%x",    "xAb!f",              true,  0, 5, ""},
};
/* clang-format on */

static void check_captures(const Match *match, const char *text, const char *wanted)
{
    char joined[256] = "";
    for (unsigned n = 0; n < match->capture_count; n++) {
        const MatchCapture *capture = &match->capture[n];
        size_t length = strlen(joined);
        if (capture->position)
            snprintf(joined + length, sizeof joined - length, "%s@%d", n ? "|" : "", (int)capture->start);
        else
            snprintf(joined + length, sizeof joined - length, "%s%.*s", n ? "|" : "",
                     (int)(capture->end - capture->start), text + capture->start);
    }
    assert_string_equal(joined, wanted);
}

static void hand_cases(void **state)
{
    (void)state;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        const Case *c = &cases[n];
        Match match;
        Error err = {""};
        Matcher *matcher = matcher_new();
        if (!matcher_add(matcher, c->pattern, strlen(c->pattern), c->is_pattern, &err))
            fail_msg("%s: %s", c->pattern, err.text);
        bool found = find(matcher, c->text, strlen(c->text), &match);
        if (found != (c->start >= 0) || (found && ((int)match.start != c->start || (int)match.end != c->end)))
            fail_msg("%s in %s: %d, %d to %d", c->pattern, c->text, found, (int)match.start, (int)match.end);
        if (found) {
            check_captures(&match, c->text, c->captures);
        }
        matcher_free(matcher);
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "a*", "[a",     "[",    "[^",    "[%", "(a", "a)",  "%",  "()",
                                      "a-", "x?", "%f[a]x", "%b()", "(a)%1", "^",  "$",  "[a-", "(()"};
    for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++) {
        Error err = {""};
        Matcher *matcher = matcher_new();
        if (matcher_add(matcher, bad[n], strlen(bad[n]), true, &err))
            fail_msg("%s is taken", bad[n]);
        assert_true(*err.text);
        matcher_free(matcher);
    }
    char *text = malloc(10000);
    memset(text, 'a', 10000);
    Error err;
    Matcher *matcher = matcher_new();
    assert_false(matcher_add(matcher, "", 0, false, &err));
    assert_false(matcher_add(matcher, text, 10000, false, &err));
    assert_true(matcher_add(matcher, text, 4000, false, &err));
    matcher_free(matcher);
    free(text);
}

/* The one that ends first counts, then the one that was added first. */
static void several(void **state)
{
    (void)state;
    Match match;
    Matcher *matcher = matcher_new();
    assert_true(matcher_add(matcher, "error: .-\n", 10, true, NULL));
    assert_true(matcher_add(matcher, "# ", 2, false, NULL));
    assert_true(matcher_add(matcher, "[#%$] ", 6, true, NULL));
    assert_true(find(matcher, "error: x # \n", 12, &match));
    assert_int_equal(match.index, 1);
    assert_int_equal(match.start, 9);
    assert_true(find(matcher, "error: x\n# ", 11, &match));
    assert_int_equal(match.index, 0);
    assert_true(find(matcher, "a $ ", 4, &match));
    assert_int_equal(match.index, 2);
    matcher_free(matcher);
}

/* ---- Against Lua ------------------------------------------------------------------------------------- */

static void random_pattern(Random *random, char *pattern)
{
    static const char *const pieces[] = {"a", "b", "c", ".", "%a", "%d", "[ab]", "[^a]", "%s", "[%dc]", "1"};
    static const char *const suffixes[] = {"", "", "", "", "*", "+", "-", "?"};
    unsigned count = 1 + random_below(random, 5), open = 0;
    *pattern = 0;
    if (random_one_in(random, 10))
        strcat(pattern, "^");
    for (unsigned n = 0; n < count; n++) {
        if (random_one_in(random, 5)) {
            bool position = random_one_in(random, 4);
            strcat(pattern, position ? "()" : "(");
            open += !position;
        }
        strcat(pattern, pieces[random_below(random, sizeof pieces / sizeof *pieces)]);
        strcat(pattern, suffixes[random_below(random, sizeof suffixes / sizeof *suffixes)]);
        if (open && random_one_in(random, 3)) {
            strcat(pattern, ")");
            open--;
        }
    }
    while (open--)
        strcat(pattern, ")");
    if (random_one_in(random, 10))
        strcat(pattern, "$");
}

/* string.find(text:sub(1, length), pattern): number of results. */
static int lua_find(lua_State *L, const char *pattern, const char *text, size_t length)
{
    lua_settop(L, 0);
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "find");
    lua_replace(L, 1);
    lua_settop(L, 1);
    lua_pushlstring(L, text, length);
    lua_pushstring(L, pattern);
    assert_int_equal(lua_pcall(L, 2, LUA_MULTRET, 0), LUA_OK);
    return lua_isnil(L, 1) ? 0 : lua_gettop(L);
}

/* The first prefix of the text in which Lua finds the pattern gives the match. */
static void compare(lua_State *L, Matcher *matcher, const char *pattern, const char *text)
{
    Match match;
    size_t length = strlen(text), end = 1;
    int results = 0;
    while (end <= length && !(results = lua_find(L, pattern, text, end)))
        end++;
    bool found = find(matcher, text, length, &match);
    if (found != (results > 0))
        fail_msg("pattern %s in %s: %s", pattern, text, found ? "found" : "not found");
    if (!found)
        return;
    bool same = match.start + 1 == (uint64_t)lua_tointeger(L, 1) && match.end == end &&
                match.capture_count == (unsigned)results - 2;
    for (unsigned n = 0; same && n < match.capture_count; n++) {
        const MatchCapture *capture = &match.capture[n];
        size_t size = 0;
        const char *value = capture->position ? NULL : lua_tolstring(L, (int)n + 3, &size);
        same = capture->position
                   ? (uint64_t)lua_tointeger(L, (int)n + 3) == capture->start + 1
                   : size == capture->end - capture->start && !memcmp(value, text + capture->start, size);
    }
    if (!same)
        fail_msg("pattern %s in %s: %d to %d, Lua: %d to %d", pattern, text, (int)match.start, (int)match.end,
                 (int)lua_tointeger(L, 1), (int)end);
}

static void like_lua(void **state)
{
    (void)state;
    Random random = {20250101};
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    unsigned compared = 0;
    for (unsigned n = 0; n < 20000; n++) {
        char pattern[128], text[24];
        random_pattern(&random, pattern);
        Matcher *matcher = matcher_new();
        if (matcher_add(matcher, pattern, strlen(pattern), true, NULL)) {
            for (unsigned k = 0; k < 4; k++) {
                unsigned length = random_below(&random, sizeof text);
                for (unsigned c = 0; c < length; c++)
                    text[c] = "aabc1 \n"[random_below(&random, 7)];
                text[length] = 0;
                compare(L, matcher, pattern, text);
                compared++;
            }
        }
        matcher_free(matcher);
    }
    assert_true(compared > 20000);
    lua_close(L);
}

/* ---- Much text --------------------------------------------------------------------------------------- */

/* A search that took each starting point again would not come to an end here. */
static void much_text(void **state)
{
    (void)state;
    static const char *const slow[] = {"x.-y.-z.-\n", "x[^q]*y", "a*a*a*a*a*a*a*b", "(x+x+)+y"};
    Match match;
    enum { LENGTH = 8 << 20 };
    char *text = malloc(LENGTH);
    memset(text, 'x', LENGTH / 2);
    memset(text + LENGTH / 2, 'a', LENGTH / 2);
    for (unsigned n = 0; n < 3; n++) {
        Matcher *matcher = matcher_new();
        assert_true(matcher_add(matcher, slow[n], strlen(slow[n]), true, NULL));
        assert_false(find(matcher, text, LENGTH, &match));
        matcher_free(matcher);
    }
    free(text);
}

static void note(void *opaque, const Match *match)
{
    *(Match *)opaque = *match;
}

/* Old text goes, offsets stay. */
static void transcript_is_bounded(void **state)
{
    (void)state;
    Transcript *transcript = transcript_new();
    uint8_t line[64];
    uint64_t lines = 3 * TRANSCRIPT_KEPT / sizeof line;
    size_t length;
    for (uint64_t n = 0; n < lines; n++) {
        memset(line, '.', sizeof line);
        snprintf((char *)line, sizeof line, "line %llu ", (unsigned long long)n);
        transcript_append(transcript, line, sizeof line);
    }
    assert_int_equal(transcript_end(transcript), lines * sizeof line);
    transcript_text(transcript, 0, &length);
    assert_true(length >= TRANSCRIPT_KEPT && length <= 2 * TRANSCRIPT_KEPT);
    assert_int_equal(transcript_begin(transcript), transcript_end(transcript) - length);
    const uint8_t *last = transcript_text(transcript, (lines - 1) * sizeof line, &length);
    assert_int_equal(length, sizeof line);
    assert_memory_equal(last, "line ", 5);
    transcript_free(transcript);
}

/* It makes no difference whether text came before or after the search began. */
static void early_or_late(void **state)
{
    (void)state;
    static const char text[] = "one two three two";
    for (size_t split = 5; split < sizeof text; split++) {
        Match match = {.end = 0};
        Transcript *transcript = transcript_new();
        Matcher *matcher = matcher_new();
        assert_true(matcher_add(matcher, "t(%a+) ", 7, true, NULL));
        transcript_append(transcript, (const uint8_t *)text, split);
        TranscriptWatch *watch = transcript_watch(transcript, matcher, 5, note, &match);
        assert_int_equal(watch == NULL, split >= 14);
        transcript_append(transcript, (const uint8_t *)text + split, sizeof text - 1 - split);
        assert_int_equal(match.start, 8);
        assert_int_equal(match.end, 14);
        transcript_free(transcript);
        matcher_free(matcher);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_cases),    cmocka_unit_test(refused),   cmocka_unit_test(several),
        cmocka_unit_test(like_lua),      cmocka_unit_test(much_text), cmocka_unit_test(transcript_is_bounded),
        cmocka_unit_test(early_or_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
