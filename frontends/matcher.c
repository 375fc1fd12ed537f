/* Patterns become small programs, which run for all starting points at once: a list holds the places where
 * partial matches stand, best first, and no place twice. */
#include "frontends/matcher.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef enum StepKind {
    STEP_CHAR,  /* takes the character `ch` */
    STEP_SET,   /* takes a character of sets[x] */
    STEP_SPLIT, /* goes on at x or, second best, at y */
    STEP_SAVE,  /* notes the offset in slot x */
    STEP_JUMP,  /* goes on at x */
    STEP_MATCH
} StepKind;

typedef struct Step {
    uint8_t kind, ch;
    uint16_t x, y;
} Step;

typedef struct Set {
    uint8_t bit[32];
} Set;

/* A partial match. slot[2n], slot[2n + 1]: capture n. */
typedef struct Thread {
    uint16_t at;
    uint64_t start;
    uint64_t slot[];
} Thread;

typedef struct Threads {
    unsigned count;
    uint8_t *thread; /* [length] of thread_size */
} Threads;

typedef struct Program {
    Step *step;
    unsigned length, capacity;
    Set *set;
    unsigned sets, captures, open[MATCHER_MAX_CAPTURES], opened;
    bool position[MATCHER_MAX_CAPTURES];
    bool anchored;
    size_t thread_size;
    Threads now, next;
    Thread *work;
    uint32_t *seen, round; /* [length]: the round in which a step was last added to a list */
} Program;

struct Matcher {
    Program *program[MATCHER_MAX_PATTERNS];
    unsigned count;
    uint64_t offset;
    bool first; /* no character came yet */
};

static void *allocate(size_t count, size_t size)
{
    void *at = calloc(count ? count : 1, size);
    if (!at)
        abort();
    return at;
}

/* ---- Compiling --------------------------------------------------------------------------------------- */

typedef struct Source {
    const uint8_t *text;
    size_t length, at;
    Program *program;
    Error *err;
} Source;

static bool emit(Source *s, Step step)
{
    Program *p = s->program;
    if (p->length == MATCHER_MAX_LENGTH)
        return error_set(s->err, "the text or pattern is too long: about %d characters are possible",
                         MATCHER_MAX_LENGTH / 2);
    if (p->length == p->capacity) {
        p->capacity = 2 * p->capacity + 16;
        p->step = realloc(p->step, p->capacity * sizeof *p->step);
        if (!p->step)
            abort();
    }
    p->step[p->length++] = step;
    return true;
}

static bool in_class(uint8_t class, int ch)
{
    switch (tolower(class)) {
    case 'a':
        return isalpha(ch);
    case 'c':
        return iscntrl(ch);
    case 'd':
        return isdigit(ch);
    case 'g':
        return isgraph(ch);
    case 'l':
        return islower(ch);
    case 'p':
        return ispunct(ch);
    case 's':
        return isspace(ch);
    case 'u':
        return isupper(ch);
    case 'w':
        return isalnum(ch);
    case 'x':
        return isxdigit(ch);
    default:
        return false;
    }
}

static bool is_class(uint8_t ch)
{
    return isalpha(ch) && strchr("acdglpsuwx", tolower(ch));
}

static void set_add(Set *set, unsigned from, unsigned to)
{
    for (unsigned ch = from; ch <= to; ch++)
        set->bit[ch / 8] |= (uint8_t)(1u << ch % 8);
}

/* %a and the like, or the character after the % itself. */
static void set_add_escaped(Set *set, uint8_t escaped)
{
    if (!is_class(escaped)) {
        set_add(set, escaped, escaped);
        return;
    }
    for (int ch = 0; ch < 256; ch++)
        if (in_class(escaped, ch) != (isupper(escaped) != 0))
            set_add(set, (unsigned)ch, (unsigned)ch);
}

static bool set_open(Source *s)
{
    return error_set(s->err, "malformed pattern: a [ has no ]");
}

/* [set], with at behind the bracket. As in Lua, a ] that comes first is a character. */
static bool read_set(Source *s, Set *set)
{
    bool negated = s->at < s->length && s->text[s->at] == '^';
    s->at += negated;
    for (bool first = true;; first = false) {
        if (s->at >= s->length)
            return set_open(s);
        uint8_t ch = s->text[s->at++];
        if (ch == ']' && !first)
            break;
        if (ch == '%') {
            if (s->at >= s->length)
                return set_open(s);
            set_add_escaped(set, s->text[s->at++]);
        } else if (s->at + 1 < s->length && s->text[s->at] == '-' && s->text[s->at + 1] != ']') {
            if (ch <= s->text[s->at + 1])
                set_add(set, ch, s->text[s->at + 1]);
            s->at += 2;
        } else {
            set_add(set, ch, ch);
        }
    }
    for (unsigned n = 0; negated && n < sizeof set->bit; n++)
        set->bit[n] = (uint8_t)~set->bit[n];
    return true;
}

static Step add_set(Program *p, const Set *set)
{
    p->set = realloc(p->set, (p->sets + 1) * sizeof *p->set);
    if (!p->set)
        abort();
    p->set[p->sets] = *set;
    return (Step){.kind = STEP_SET, .x = (uint16_t)p->sets++};
}

static bool read_escape(Source *s, Step *step)
{
    if (s->at >= s->length)
        return error_set(s->err, "malformed pattern: it ends with %%");
    uint8_t ch = s->text[s->at++];
    if (ch == 'b' || ch == 'f' || isdigit(ch))
        return error_set(
            s->err,
            "%%%c cannot be matched while text still comes; capture the text and use string.match on it", ch);
    Set set = {{0}};
    set_add_escaped(&set, ch);
    *step = is_class(ch) ? add_set(s->program, &set) : (Step){.kind = STEP_CHAR, .ch = ch};
    return true;
}

/* What takes one character. */
static bool read_single(Source *s, Step *step)
{
    uint8_t ch = s->text[s->at++];
    Set set = {{0}};
    switch (ch) {
    case '%':
        return read_escape(s, step);
    case '[':
        if (!read_set(s, &set))
            return false;
        break;
    case '.':
        set_add(&set, 0, 255);
        break;
    default:
        *step = (Step){.kind = STEP_CHAR, .ch = ch};
        return true;
    }
    *step = add_set(s->program, &set);
    return true;
}

static bool emit_repeated(Source *s, Step single, uint8_t suffix)
{
    unsigned at = s->program->length;
    uint16_t here = (uint16_t)at, one = (uint16_t)(at + 1), two = (uint16_t)(at + 2),
             three = (uint16_t)(at + 3);
    switch (suffix) {
    case '?':
        return emit(s, (Step){.kind = STEP_SPLIT, .x = one, .y = two}) && emit(s, single);
    case '+':
        return emit(s, single) && emit(s, (Step){.kind = STEP_SPLIT, .x = here, .y = two});
    case '*':
        return emit(s, (Step){.kind = STEP_SPLIT, .x = one, .y = three}) && emit(s, single) &&
               emit(s, (Step){.kind = STEP_JUMP, .x = here});
    default: /* '-' */
        return emit(s, (Step){.kind = STEP_SPLIT, .x = three, .y = one}) && emit(s, single) &&
               emit(s, (Step){.kind = STEP_JUMP, .x = here});
    }
}

static bool open_capture(Source *s)
{
    Program *p = s->program;
    if (p->captures == MATCHER_MAX_CAPTURES)
        return error_set(s->err, "a pattern has at most %d captures", MATCHER_MAX_CAPTURES);
    unsigned n = p->captures++;
    p->position[n] = s->at < s->length && s->text[s->at] == ')';
    if (p->position[n])
        s->at++;
    else
        p->open[p->opened++] = n;
    return emit(s, (Step){.kind = STEP_SAVE, .x = (uint16_t)(2 * n)});
}

static bool close_capture(Source *s)
{
    Program *p = s->program;
    if (!p->opened)
        return error_set(s->err, "malformed pattern: a ) has no (");
    return emit(s, (Step){.kind = STEP_SAVE, .x = (uint16_t)(2 * p->open[--p->opened] + 1)});
}

static bool compile_pattern(Source *s)
{
    Program *p = s->program;
    p->anchored = s->length && s->text[0] == '^';
    s->at = p->anchored;
    while (s->at < s->length) {
        uint8_t ch = s->text[s->at];
        bool ok;
        if (ch == '(' || ch == ')') {
            s->at++;
            ok = ch == '(' ? open_capture(s) : close_capture(s);
        } else if (ch == '$' && s->at + 1 == s->length) {
            break; /* what has come so far always ends here */
        } else {
            Step single = {0};
            ok = read_single(s, &single);
            uint8_t suffix = s->at < s->length ? s->text[s->at] : 0;
            bool repeated = suffix && strchr("*+-?", suffix);
            s->at += repeated;
            ok = ok && (repeated ? emit_repeated(s, single, suffix) : emit(s, single));
        }
        if (!ok)
            return false;
    }
    return !p->opened || error_set(s->err, "malformed pattern: a ( has no )");
}

static bool compile(Source *s, bool is_pattern)
{
    if (is_pattern) {
        if (!compile_pattern(s))
            return false;
    } else {
        for (size_t n = 0; n < s->length; n++)
            if (!emit(s, (Step){.kind = STEP_CHAR, .ch = s->text[n]}))
                return false;
    }
    return emit(s, (Step){.kind = STEP_MATCH});
}

static void program_free(Program *p)
{
    if (!p)
        return;
    free(p->step);
    free(p->set);
    free(p->now.thread);
    free(p->next.thread);
    free(p->work);
    free(p->seen);
    free(p);
}

static void prepare(Program *p)
{
    p->thread_size = sizeof(Thread) + 2 * p->captures * sizeof(uint64_t);
    p->now.thread = allocate(p->length, p->thread_size);
    p->next.thread = allocate(p->length, p->thread_size);
    p->work = allocate(1, p->thread_size);
    p->seen = allocate(p->length, sizeof *p->seen);
}

/* ---- Running ----------------------------------------------------------------------------------------- */

static Thread *thread_at(const Program *p, const Threads *list, unsigned n)
{
    return (Thread *)(void *)(list->thread + n * p->thread_size);
}

/* Adds the steps that take a character, or the end, which are reached from step `at` without taking one.
 * p->work carries start and slots. True if the end is among them: nothing after it is better. */
static bool follow(Program *p, Threads *list, unsigned at, uint64_t offset)
{
    if (p->seen[at] == p->round)
        return false;
    p->seen[at] = p->round;
    const Step *step = &p->step[at];
    uint64_t old;
    bool ended;
    switch (step->kind) {
    case STEP_JUMP:
        return follow(p, list, step->x, offset);
    case STEP_SPLIT:
        return follow(p, list, step->x, offset) || follow(p, list, step->y, offset);
    case STEP_SAVE:
        old = p->work->slot[step->x];
        p->work->slot[step->x] = offset;
        ended = follow(p, list, at + 1, offset);
        if (!ended)
            p->work->slot[step->x] = old;
        return ended;
    case STEP_MATCH:
        return true;
    default:
        p->work->at = (uint16_t)at;
        memcpy(thread_at(p, list, list->count++), p->work, p->thread_size);
        return false;
    }
}

static void new_round(Program *p)
{
    if (++p->round == 0) {
        memset(p->seen, 0, p->length * sizeof *p->seen);
        p->round = 1;
    }
}

static bool takes(const Program *p, const Step *step, uint8_t ch)
{
    return step->kind == STEP_CHAR ? step->ch == ch : p->set[step->x].bit[ch / 8] >> ch % 8 & 1;
}

static bool begin(Program *p, Threads *list, uint64_t offset)
{
    memset(p->work, 0, p->thread_size);
    p->work->start = offset;
    return follow(p, list, 0, offset);
}

/* One character; true if a match ends with it, which p->work then holds. */
static bool run(Program *p, uint8_t ch, uint64_t offset, bool first)
{
    if (!p->anchored || first) {
        if (!p->now.count)
            new_round(p);
        begin(p, &p->now, offset);
    }
    new_round(p);
    p->next.count = 0;
    for (unsigned n = 0; n < p->now.count; n++) {
        const Thread *thread = thread_at(p, &p->now, n);
        if (!takes(p, &p->step[thread->at], ch))
            continue;
        unsigned at = thread->at + 1u;
        memcpy(p->work, thread, p->thread_size);
        if (follow(p, &p->next, at, offset + 1))
            return true;
    }
    Threads swap = p->now;
    p->now = p->next;
    p->next = swap;
    return false;
}

static void fill(const Program *p, Match *match)
{
    match->start = p->work->start;
    match->capture_count = p->captures;
    for (unsigned n = 0; n < p->captures; n++)
        match->capture[n] = (MatchCapture){p->work->slot[2 * n], p->work->slot[2 * n + 1], p->position[n]};
}

/* ---- The whole --------------------------------------------------------------------------------------- */

Matcher *matcher_new(void)
{
    return allocate(1, sizeof(Matcher));
}

void matcher_free(Matcher *matcher)
{
    for (unsigned n = 0; matcher && n < matcher->count; n++)
        program_free(matcher->program[n]);
    free(matcher);
}

bool matcher_add(Matcher *matcher, const void *text, size_t length, bool is_pattern, Error *err)
{
    if (matcher->count == MATCHER_MAX_PATTERNS)
        return error_set(err, "at most %d texts can be waited for at once", MATCHER_MAX_PATTERNS);
    Program *p = allocate(1, sizeof *p);
    Source source = {text, length, 0, p, err};
    if (!compile(&source, is_pattern)) {
        program_free(p);
        return false;
    }
    prepare(p);
    new_round(p);
    if (begin(p, &p->now, 0)) {
        program_free(p);
        return error_set(err, "the text or pattern would match nothing at all");
    }
    matcher->program[matcher->count++] = p;
    return true;
}

void matcher_start(Matcher *matcher, uint64_t offset)
{
    matcher->offset = offset;
    matcher->first = true;
    for (unsigned n = 0; n < matcher->count; n++)
        matcher->program[n]->now.count = 0;
}

bool matcher_feed(Matcher *matcher, uint8_t ch, Match *match)
{
    uint64_t offset = matcher->offset++;
    bool first = matcher->first, found = false;
    matcher->first = false;
    for (unsigned n = 0; n < matcher->count; n++) {
        if (!run(matcher->program[n], ch, offset, first) || found)
            continue;
        *match = (Match){.index = n, .end = offset + 1};
        fill(matcher->program[n], match);
        found = true;
    }
    return found;
}
