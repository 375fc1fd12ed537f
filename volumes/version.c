/* See version.h. Pieces that are no digits and pieces that are digits alternate. */
#include "volumes/version.h"

#include <ctype.h>
#include <string.h>

/* How a character sorts among those that are no digits: "~" before the end, letters before the rest. */
static int weight(const char *at)
{
    unsigned char c = (unsigned char)*at;
    if (c == '~' || !strncmp(at, "-rc", 3))
        return -1;
    if (!c || isdigit(c))
        return 0;
    return isalpha(c) ? c : c + 256;
}

static int compare_text(const char **a, const char **b)
{
    while ((**a && !isdigit((unsigned char)**a)) || (**b && !isdigit((unsigned char)**b))) {
        int difference = weight(*a) - weight(*b);
        if (difference)
            return difference;
        (*a)++;
        (*b)++;
    }
    return 0;
}

static int compare_number(const char **a, const char **b)
{
    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    size_t digits_a = strspn(*a, "0123456789"), digits_b = strspn(*b, "0123456789");
    int difference = digits_a == digits_b ? strncmp(*a, *b, digits_a) : digits_a < digits_b ? -1 : 1;
    *a += digits_a;
    *b += digits_b;
    return difference;
}

int version_compare(const char *a, const char *b)
{
    int difference = 0;
    while (!difference && (*a || *b)) {
        difference = compare_text(&a, &b);
        if (!difference)
            difference = compare_number(&a, &b);
    }
    return difference;
}
