/* libedit reads characters with a function of its own choice, one at a time when it is told not to buffer;
 * the function takes them from a queue. Only within a sequence of characters that one key sends does libedit
 * ask for more than there is: the loop is served for that moment. libedit also changes the terminal's modes,
 * which are not its own here: they are put back after each such call. */
#include "frontends/line_editor.h"

#include <histedit.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/* How long the rest of a key's sequence may take. */
#define SEQUENCE_NS 50000000u

/* What has libedit show the line again: Ctrl-_, which means nothing else. (Ctrl-R searches in some versions.)
 */
#define REDISPLAY "\x1f"

enum { CTRL_C = 3, CTRL_D = 4, TAB = 9, HISTORY_LINES = 500, WAITING_MOST = 65536, COMPLETIONS_MOST = 200 };

struct LineEditor {
    Loop *loop;
    const char *prompt;
    LineEditorOwner owner;
    EditLine *edit;
    History *history;
    struct termios raw;
    uint8_t *queue;
    size_t head, length;
    bool active, working;
};

static bool take(LineEditor *editor, uint8_t *ch)
{
    if (!editor->length)
        return false;
    *ch = editor->queue[editor->head++];
    editor->head = --editor->length ? editor->head : 0;
    return true;
}

/* One character, of several bytes in UTF-8. */
static int read_char(EditLine *edit, wchar_t *wide)
{
    LineEditor *editor;
    mbstate_t state = {0};
    el_get(edit, EL_CLIENTDATA, &editor);
    for (;;) {
        uint8_t ch;
        if (!editor->length)
            loop_poll(editor->loop, SEQUENCE_NS);
        if (!take(editor, &ch))
            return 0;
        size_t result = mbrtowc(wide, (const char *)&ch, 1, &state);
        if (result == (size_t)-1) {
            *wide = '?';
            return 1;
        }
        if (result != (size_t)-2)
            return 1;
    }
}

static char *show_prompt(EditLine *edit)
{
    LineEditor *editor;
    el_get(edit, EL_CLIENTDATA, &editor);
    return (char *)(uintptr_t)editor->prompt;
}

/* ---- Completion -------------------------------------------------------------------------------------- */

static size_t common_length(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static void show_choices(char *const *choice, unsigned count)
{
    putchar('\n');
    for (unsigned n = 0; n < count; n++)
        printf("%s%s", choice[n], n + 1 < count ? "  " : "\n");
    fflush(stdout);
}

/* As if it had been typed before what waits. */
static void type_first(LineEditor *editor, const char *text)
{
    size_t length = strlen(text);
    if (editor->length + length > WAITING_MOST)
        return;
    memmove(editor->queue + length, editor->queue + editor->head, editor->length);
    memcpy(editor->queue, text, length);
    editor->head = 0;
    editor->length += length;
}

/* Types what all possible words have in common; if that is nothing, lists them. */
static void complete(LineEditor *editor)
{
    const LineInfo *info = el_line(editor->edit);
    size_t begin = (size_t)(info->cursor - info->buffer);
    char *before = strndup(info->buffer, begin), *choice[COMPLETIONS_MOST];
    unsigned count = 0;
    if (!before)
        abort();
    while (begin && before[begin - 1] != ' ')
        begin--;
    const char *word = before + begin;
    while (count < COMPLETIONS_MOST &&
           (choice[count] = editor->owner.complete(editor->owner.opaque, before, word, count)))
        count++;
    size_t common = count ? strlen(choice[0]) : 0;
    for (unsigned n = 1; n < count; n++) {
        size_t same = common_length(choice[0], choice[n]);
        common = same < common ? same : common;
    }
    if (common > strlen(word)) {
        choice[0][common] = 0;
        type_first(editor, choice[0] + strlen(word));
    } else if (count > 1) {
        show_choices(choice, count);
        type_first(editor, REDISPLAY);
    }
    for (unsigned n = 0; n < count; n++)
        free(choice[n]);
    free(before);
}

/* ---- Lines ------------------------------------------------------------------------------------------- */

static void set_active(LineEditor *editor, bool active)
{
    if (editor->active == active)
        return;
    editor->active = active;
    fflush(stdout);
    el_set(editor->edit, EL_UNBUFFERED, active);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &editor->raw);
}

static void finish(LineEditor *editor, const char *line, int count)
{
    HistEvent event;
    char *copy = strndup(line, (size_t)count);
    if (!copy)
        abort();
    copy[strcspn(copy, "\r\n")] = 0;
    set_active(editor, false);
    if (copy[strspn(copy, " ")])
        history(editor->history, &event, H_ENTER, line);
    editor->owner.line(editor->owner.opaque, copy);
    free(copy);
}

/* Keys that libedit does not see. */
static bool take_control(LineEditor *editor)
{
    uint8_t ch = editor->queue[editor->head];
    const LineInfo *info = el_line(editor->edit);
    bool empty = info->lastchar == info->buffer;
    if (ch != CTRL_C && ch != TAB && !(ch == CTRL_D && empty))
        return false;
    take(editor, &ch);
    if (ch == TAB) {
        complete(editor);
        return true;
    }
    set_active(editor, false);
    fputs(ch == CTRL_C ? "^C\n" : "\n", stdout);
    if (ch == CTRL_C)
        line_editor_prompt(editor);
    else
        editor->owner.left(editor->owner.opaque);
    return true;
}

/* Not from within itself: libedit asks for more through the loop. */
static void work(LineEditor *editor)
{
    if (editor->working)
        return;
    editor->working = true;
    while (editor->active && editor->length) {
        int count = 0;
        if (take_control(editor))
            continue;
        const char *line = el_gets(editor->edit, &count);
        if (line && count > 0 && (line[count - 1] == '\n' || line[count - 1] == '\r'))
            finish(editor, line, count);
    }
    editor->working = false;
}

void line_editor_prompt(LineEditor *editor)
{
    set_active(editor, true);
    work(editor);
}

void line_editor_show(LineEditor *editor)
{
    if (!editor->active)
        return;
    type_first(editor, REDISPLAY);
    work(editor);
}

void line_editor_stop(LineEditor *editor)
{
    if (editor->active)
        putchar('\n');
    set_active(editor, false);
}

void line_editor_input(LineEditor *editor, const uint8_t *data, size_t length)
{
    if (editor->length + length > WAITING_MOST)
        return;
    memmove(editor->queue, editor->queue + editor->head, editor->length);
    editor->head = 0;
    memcpy(editor->queue + editor->length, data, length);
    editor->length += length;
    work(editor);
}

void line_editor_forget(LineEditor *editor)
{
    editor->head = editor->length = 0;
}

/* ---- Building ---------------------------------------------------------------------------------------- */

static bool terminal_can(void)
{
    const char *type = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && type && *type && strcmp(type, "dumb");
}

LineEditor *line_editor_new(Loop *loop, const char *prompt, const LineEditorOwner *owner)
{
    HistEvent event;
    LineEditor *editor = calloc(1, sizeof *editor);
    if (!editor || !(editor->queue = malloc(WAITING_MOST)))
        abort();
    editor->loop = loop;
    editor->prompt = prompt;
    editor->owner = *owner;
    editor->edit = terminal_can() && !tcgetattr(STDIN_FILENO, &editor->raw)
                       ? el_init("armature", stdin, stdout, stderr)
                       : NULL;
    if (!editor->edit) {
        line_editor_free(editor);
        return NULL;
    }
    editor->history = history_init();
    history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    history(editor->history, &event, H_SETUNIQUE, 1);
    el_set(editor->edit, EL_CLIENTDATA, editor);
    el_set(editor->edit, EL_PROMPT, show_prompt);
    el_set(editor->edit, EL_SIGNAL, 0);
    el_set(editor->edit, EL_EDITOR, "emacs");
    el_set(editor->edit, EL_BIND, "^_", "ed-redisplay", NULL);
    el_set(editor->edit, EL_HIST, history, editor->history);
    el_set(editor->edit, EL_GETCFN, read_char);
    /* A line's end is not a place to give the terminal back: a key typed then would be taken for a signal. */
    el_set(editor->edit, EL_SETTY, "-x", "-isig", "-icanon", "-echo", "-iexten", "-ixon", "-icrnl", NULL);
    el_set(editor->edit, EL_SETTY, "-d", "-isig", "-icanon", "-echo", "-iexten", "-ixon", "-icrnl", NULL);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &editor->raw);
    return editor;
}

void line_editor_free(LineEditor *editor)
{
    if (!editor)
        return;
    if (editor->edit) {
        struct termios now;
        bool known = !tcgetattr(STDIN_FILENO, &now);
        history_end(editor->history);
        el_end(editor->edit);
        if (known)
            tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
    }
    free(editor->queue);
    free(editor);
}
