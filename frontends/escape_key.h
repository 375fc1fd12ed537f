/* The key that reaches the menu when the terminal belongs to the guest (--escape-key). */
#ifndef ARMATURE_FRONTENDS_ESCAPE_KEY_H
#define ARMATURE_FRONTENDS_ESCAPE_KEY_H

#include <stdint.h>

#include "machine/error.h"

enum { ESCAPE_KEY_DEFAULT = 0x01, ESCAPE_KEY_NAME = 8 };

/* "Ctrl-A", "ctrl-]", "^T" or "none"; *key is the character, -1 for none. err says what would be right. */
bool escape_key_parse(const char *text, int *key, Error *err);

/* "Ctrl-A": the key's name for messages. */
void escape_key_name(int key, char name[ESCAPE_KEY_NAME]);

#endif
