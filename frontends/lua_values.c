#include "frontends/lua_values.h"

#include <lauxlib.h>
#include <string.h>

enum { NESTING_MOST = 16 };

static json_t *value_json(lua_State *L, int index, unsigned depth, Error *err);

static bool add_member(lua_State *L, json_t *object, unsigned depth, Error *err)
{
    if (lua_type(L, -2) != LUA_TSTRING)
        return error_set(err, "a table has both list elements and other keys");
    json_t *value = value_json(L, lua_gettop(L), depth, err);
    if (value)
        json_object_set_new_nocheck(object, lua_tostring(L, -2), value);
    return value;
}

/* A table with elements 1 to n is an array, another one an object. */
static json_t *table_json(lua_State *L, int index, unsigned depth, Error *err)
{
    lua_Integer count = luaL_len(L, index);
    json_t *json = count ? json_array() : json_object();
    bool ok = depth < NESTING_MOST || error_set(err, "a table is nested too deeply");
    luaL_checkstack(L, 4, NULL);
    for (lua_Integer n = 1; ok && n <= count; n++) {
        lua_geti(L, index, n);
        json_t *value = value_json(L, lua_gettop(L), depth + 1, err);
        lua_pop(L, 1);
        ok = value;
        if (ok)
            json_array_append_new(json, value);
    }
    for (lua_pushnil(L); ok && !count && lua_next(L, index); lua_pop(L, 1))
        if (!add_member(L, json, depth + 1, err)) {
            ok = false;
            lua_pop(L, 2);
            break;
        }
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *value_json(lua_State *L, int index, unsigned depth, Error *err)
{
    size_t length;
    const char *text;
    json_t *real;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return json_null();
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            return json_integer(lua_tointeger(L, index));
        real = json_real(lua_tonumber(L, index));
        if (!real)
            error_set(err, "a number is infinite or undefined");
        return real;
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &length);
        return json_bytes(text, length);
    case LUA_TTABLE:
        return table_json(L, index, depth, err);
    default:
        error_set(err, "a %s is no argument for an operation", luaL_typename(L, index));
        return NULL;
    }
}

json_t *lua_value_json(lua_State *L, int index, Error *err)
{
    return value_json(L, lua_absindex(L, index), 0, err);
}

static bool has_names(lua_State *L, int index)
{
    bool any = false;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        any |= lua_type(L, -2) == LUA_TSTRING;
    return any;
}

/* {"x", "y", timeout = 5}: the elements are the first argument, the names the others. */
static json_t *mixed_json(lua_State *L, const Operation *operation, Error *err)
{
    json_t *object = json_object(), *list = json_array();
    lua_Integer count = luaL_len(L, 1);
    bool ok = true;
    for (lua_Integer n = 1; ok && n <= count; n++) {
        lua_geti(L, 1, n);
        json_t *value = lua_value_json(L, -1, err);
        lua_pop(L, 1);
        ok = value && !json_array_append_new(list, value);
    }
    for (lua_pushnil(L); ok && lua_next(L, 1);) {
        if (lua_type(L, -2) == LUA_TSTRING)
            ok = add_member(L, object, 1, err);
        lua_pop(L, ok ? 1 : 2);
    }
    json_object_set_new(object, operation->parameter[0].name, list);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static bool names_a_parameter(lua_State *L, const Operation *operation)
{
    bool any = false;
    for (unsigned n = 0; n < operation_parameters(operation); n++) {
        lua_getfield(L, 1, operation->parameter[n].name);
        any |= !lua_isnil(L, -1);
        lua_pop(L, 1);
    }
    return any;
}

json_t *lua_arguments_json(lua_State *L, const Operation *operation, Error *err)
{
    int count = lua_gettop(L);
    bool list = operation->parameter[0].type == TYPE_LIST;
    luaL_checkstack(L, 4, NULL);
    if (count == 1 && lua_istable(L, 1) && has_names(L, 1)) {
        if (list && luaL_len(L, 1))
            return mixed_json(L, operation, err);
        /* expect{pattern = "x"} is a single entry, expect{text = "x", timeout = 5} names. */
        if (!list || names_a_parameter(L, operation))
            return lua_value_json(L, 1, err);
    }
    json_t *array = json_array();
    for (int n = 1; n <= count; n++) {
        json_t *value = lua_value_json(L, n, err);
        if (!value) {
            json_decref(array);
            return NULL;
        }
        json_array_append_new(array, value);
    }
    return array;
}

void lua_push_json(lua_State *L, const json_t *value)
{
    json_t *json = (json_t *)(uintptr_t)value, *member;
    const char *name;
    size_t index;
    luaL_checkstack(L, 4, NULL);
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(value));
        break;
    case JSON_ARRAY:
        lua_newtable(L);
        json_array_foreach(json, index, member)
        {
            lua_push_json(L, member);
            lua_seti(L, -2, (lua_Integer)index + 1);
        }
        break;
    case JSON_OBJECT:
        lua_newtable(L);
        json_object_foreach(json, name, member)
        {
            lua_push_json(L, member);
            lua_setfield(L, -2, name);
        }
        break;
    default:
        lua_pushnil(L);
    }
}
