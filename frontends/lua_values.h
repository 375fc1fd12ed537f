/* Lua's values as JSON values and back. Strings keep their bytes. */
#ifndef ARMATURE_FRONTENDS_LUA_VALUES_H
#define ARMATURE_FRONTENDS_LUA_VALUES_H

#include <lua.h>

#include "frontends/operation.h"

/* The value at index; NULL with err set if it is of a kind that no operation takes, or nested too deeply. */
json_t *lua_value_json(lua_State *L, int index, Error *err);

/* All arguments of a Lua function on the stack, as those of the operation: f(a, b), f{name = a, ...}, and
 * f{"x", "y", name = a} where the first parameter is a list. NULL with err set. */
json_t *lua_arguments_json(lua_State *L, const Operation *operation, Error *err);

/* Pushes one value; NULL and null are nil. */
void lua_push_json(lua_State *L, const json_t *value);

#endif
