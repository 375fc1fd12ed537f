/* For tests of what options take: how a case is judged. */
#ifndef ARMATURE_TESTS_FRONTENDS_SPEC_CASES_H
#define ARMATURE_TESTS_FRONTENDS_SPEC_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/error.h"

/* A text of a spec; NULL: there should be none. */
static inline void expect_text(const char *got, const char *want)
{
    if (!want)
        assert_null(got);
    else if (!got)
        fail_msg("nothing, not %s", want);
    else
        assert_string_equal(got, want);
}

static inline void expect_accepted(bool accepted, const char *text, const Error *err)
{
    if (!accepted)
        fail_msg("%s was refused: %s", text, err->text);
}

/* By one line that has message in it. */
static inline void expect_refused(bool accepted, const char *text, const Error *err, const char *message)
{
    if (accepted)
        fail_msg("%s was accepted", text);
    if (!strstr(err->text, message))
        fail_msg("%s: \"%s\" is not in \"%s\"", text, message, err->text);
    assert_null(strchr(err->text, '\n'));
}

#endif
