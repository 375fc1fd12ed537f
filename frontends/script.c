#define _GNU_SOURCE
#include "frontends/script.h"

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/client.h"
#include "frontends/exit_codes.h"
#include "frontends/lua_values.h"
#include "frontends/script_report.h"
#include "frontends/wait.h"

/* How many of Lua's instructions may pass before the host is looked at. */
enum { HOOK_COUNT = 100000 };

struct Script {
    Client client;
    Session *session;
    lua_State *lua, *main; /* main: the script's coroutine */
    int arguments;         /* on main's stack, for the first resume */
    bool running, done;
    Call *waiting;
    char *place; /* "boot.lua:3: " of the waiting operation */
    SessionTask resume;
    SessionListener *listener;
    /* What the last call brought. */
    const Operation *operation;
    json_t *result;
    char *error;
};

/* ---- The part that is Lua ---------------------------------------------------------------------------- */

/* Coroutines of the script: when an operation waits in one, all the coroutines around it wait. */
static const char prelude[] =
    "local WAIT, directory = ...\n"
    "local resume, yield, create, pack = coroutine.resume, coroutine.yield, coroutine.create, table.pack\n"
    "function coroutine.resume(co, ...)\n"
    "  local r = pack(resume(co, ...))\n"
    "  while r[1] and r.n == 2 and rawequal(r[2], WAIT) do yield(WAIT) r = pack(resume(co)) end\n"
    "  return table.unpack(r, 1, r.n)\n"
    "end\n"
    "function coroutine.wrap(f)\n"
    "  local co = create(f)\n"
    "  return function(...)\n"
    "    local r = pack(coroutine.resume(co, ...))\n"
    "    if not r[1] then error(r[2], 0) end\n"
    "    return table.unpack(r, 2, r.n)\n"
    "  end\n"
    "end\n"
    "function pattern(text) return {pattern = text} end\n"
    "function os.exit(code)\n"
    "  if code == nil or code == true then code = 0 elseif code == false then code = 1 end\n"
    "  quit(code)\n"
    "end\n"
    "if directory then package.path = directory .. '/?.lua;' .. package.path end\n";

/* --until and --send. Without --until the run goes on after what is sent. */
static const char shorthand[] = "local texts, text = ...\n"
                                "if text and #texts == 0 then send(text) wait_off() end\n"
                                "for n, wanted in ipairs(texts) do\n"
                                "  expect(wanted, 0)\n"
                                "  if n == 1 and text then send(text) end\n"
                                "end\n";

static const char wait_token; /* its address is what a waiting operation yields */

static Script *script_of(lua_State *L)
{
    return *(Script **)lua_getextraspace(L);
}

/* "file:line: " of the innermost function that has lines; the shorthands have none that mean anything. */
static char *place_of(lua_State *L)
{
    lua_Debug ar;
    char *place;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0 || !strcmp(ar.source, "=prelude"))
            continue;
        int length = !strncmp(ar.source, "=--", 3)
                         ? asprintf(&place, "%s: ", ar.short_src)
                         : asprintf(&place, "%s:%d: ", ar.short_src, ar.currentline);
        if (length < 0)
            abort();
        return place;
    }
    return strdup("");
}

/* ---- Operations -------------------------------------------------------------------------------------- */

static void forget_result(Script *script)
{
    json_decref(script->result);
    free(script->error);
    script->result = NULL;
    script->error = NULL;
}

static void call_done(Call *call, void *opaque)
{
    Script *script = opaque;
    forget_result(script);
    script->result = json_incref(call->result);
    script->error = call->error ? strdup(call->error) : NULL;
    if (script->waiting != call)
        return;
    script->waiting = NULL;
    session_later(script->session, &script->resume);
}

/* For expect and match: the number of the text where there were several, then its captures, or all of it. */
static int push_match(lua_State *L, const json_t *result, bool several)
{
    const json_t *captures = json_object_get(result, "captures");
    int count = (int)json_array_size(captures);
    luaL_checkstack(L, count + 2, NULL);
    if (several)
        lua_push_json(L, json_object_get(result, "index"));
    for (int n = 0; n < count; n++)
        lua_push_json(L, json_array_get(captures, (size_t)n));
    if (!count)
        lua_push_json(L, json_object_get(result, "text"));
    return several + (count ? count : 1);
}

/* "output status": those members, one after the other. */
static int push_fields(lua_State *L, const json_t *result, const char *fields)
{
    int count = 0;
    for (const char *at = fields; *at; count++) {
        char name[32];
        size_t length = strcspn(at, " ");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        lua_push_json(L, json_object_get(result, name));
        at += length + (at[length] == ' ');
    }
    return count;
}

static int raise(lua_State *L, Script *script)
{
    lua_pushfstring(L, "%s%s", script->place ? script->place : "", script->error);
    forget_result(script);
    return lua_error(L);
}

/* What the operation brought becomes what its Lua function returns. */
static int after(lua_State *L, int status, lua_KContext several)
{
    (void)status;
    Script *script = script_of(L);
    const char *fields = script->operation->fields;
    int count = 1;
    if (script->error)
        return raise(L, script);
    if (fields && !strcmp(fields, "match"))
        count = push_match(L, script->result, several);
    else if (fields)
        count = push_fields(L, script->result, fields);
    else if (script->result)
        lua_push_json(L, script->result);
    else
        count = 0;
    forget_result(script);
    return count;
}

static int stand_still(lua_State *L, lua_KContext context, lua_KFunction continuation)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&wait_token);
    return lua_yieldk(L, 1, context, continuation);
}

static int call_operation(lua_State *L)
{
    Script *script = script_of(L);
    const Operation *operation = lua_touserdata(L, lua_upvalueindex(1));
    Error err;
    bool several = lua_istable(L, 1) && luaL_len(L, 1) > 0;
    bool yields = lua_isyieldable(L);
    free(script->place);
    script->place = place_of(L);
    if (operation->result == TYPE_LATER && !yields)
        return luaL_error(L, "%s%s cannot wait here, in a function that Lua's own C functions call",
                          script->place, operation->name);
    json_t *arguments = lua_arguments_json(L, operation, &err);
    if (!arguments)
        return luaL_error(L, "%s%s: %s", script->place, operation->name, err.text);
    script->operation = operation;
    script->waiting = operation_call(&script->client, operation, arguments, call_done, script);
    json_decref(arguments);
    if (script->waiting)
        return stand_still(L, several, after);
    if (session_ending(script->session) && yields)
        return stand_still(L, 0, NULL); /* for good */
    return after(L, LUA_OK, several);
}

static void define_operations(lua_State *L)
{
    lua_newtable(L);
    for (unsigned n = 0; n < operation_count; n++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&operations[n]);
        lua_pushcclosure(L, call_operation, 1);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, operations[n].name);
        if (lua_getglobal(L, operations[n].name) == LUA_TNIL) {
            lua_pop(L, 1);
            lua_setglobal(L, operations[n].name);
        } else {
            lua_pop(L, 2); /* Lua's own function of that name stays */
        }
    }
    lua_setglobal(L, "machine");
}

/* ---- Running ----------------------------------------------------------------------------------------- */

static void fail(Script *script, const char *message, const char *traceback)
{
    char *line = text_escaped(message, strlen(message)), *text;
    for (char *p = line; *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    if (asprintf(&text, "script failed: %s", line) < 0)
        abort();
    free(line);
    if (!session_ending(script->session)) {
        session_flush_output(script->session);
        fputc('\n', stderr);
        if (traceback)
            fprintf(stderr, "%s\n", traceback);
        script_report(script->session, stderr);
    }
    session_end(script->session, EXIT_SCRIPT, text);
    free(text);
}

/* The stack below the failing line is worth showing where functions called functions. */
static void failed(Script *script)
{
    lua_State *L = script->main;
    lua_Debug ar;
    const char *message = luaL_tolstring(L, -1, NULL), *traceback = NULL;
    if (lua_getstack(L, 2, &ar)) {
        luaL_traceback(script->lua, L, NULL, 0);
        traceback = lua_tostring(script->lua, -1);
    }
    fail(script, message, traceback);
}

static void resume(void *opaque)
{
    Script *script = opaque;
    int results = 0;
    session_flush_output(script->session);
    script->running = true;
    int status = lua_resume(script->main, script->lua, script->arguments, &results);
    script->running = false;
    script->arguments = 0;
    fflush(stdout);
    if (status == LUA_YIELD && results == 1 && lua_touserdata(script->main, -1) == &wait_token) {
        lua_pop(script->main, results);
        return;
    }
    script->done = true;
    if (status == LUA_YIELD)
        fail(script, "coroutine.yield() outside of a coroutine", NULL);
    else if (status != LUA_OK)
        failed(script);
    else
        session_end(script->session, EXIT_OFF, NULL);
}

/* While Lua computes, the host is served. Once the session ends, every further instruction is an error, so
 * that a pcall() in a loop does not keep it alive. */
static void look_around(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    Script *script = script_of(L);
    session_serve(script->session);
    if (!session_ending(script->session))
        return;
    lua_sethook(L, look_around, LUA_MASKCOUNT, 1);
    luaL_error(L, "the run has ended");
}

/* The run ended for another reason while the script waited: say for what. */
static void on_event(void *opaque, const SessionEvent *event)
{
    Script *script = opaque;
    if (event->kind != SESSION_STOPPED || !event->code || !script->waiting)
        return;
    const Wait *wait = script->waiting->wait;
    session_say(script->session, "the %s was waiting: %s%s",
                session_options(script->session)->script ? "script" : "run", script->place,
                wait && wait->what ? wait->what : "");
    if (event->code == EXIT_TIMEOUT || event->code == EXIT_REBOOT)
        script_report(script->session, stderr);
}

/* ---- Building ---------------------------------------------------------------------------------------- */

bool script_wanted(const Options *options)
{
    return options->script || options->until_count || options->send;
}

static void run_prelude(Script *script)
{
    lua_State *L = script->lua;
    const char *path = session_options(script->session)->script, *slash = path ? strrchr(path, '/') : NULL;
    int status = luaL_loadbufferx(L, prelude, sizeof prelude - 1, "=prelude", "t");
    lua_pushlightuserdata(L, (void *)(uintptr_t)&wait_token);
    if (slash)
        lua_pushlstring(L, path, (size_t)(slash - path));
    else
        lua_pushstring(L, path ? "." : NULL);
    if (status || lua_pcall(L, 2, 0, 0)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        abort();
    }
}

static bool load_file(Script *script, Error *err)
{
    lua_State *L = script->main;
    const Options *options = session_options(script->session);
    lua_newtable(L);
    lua_pushstring(L, options->script);
    lua_seti(L, -2, 0);
    for (int n = 0; n < options->script_arg_count; n++) {
        lua_pushstring(L, options->script_args[n]);
        lua_seti(L, -2, n + 1);
    }
    lua_setglobal(L, "arg");
    FILE *file = fopen(options->script, "r");
    if (!file)
        return error_set(err, "--script: cannot read %s: %s", options->script, strerror(errno));
    fclose(file);
    if (luaL_loadfilex(L, options->script, "t"))
        return error_set(err, "--script: %s", lua_tostring(L, -1));
    luaL_checkstack(L, options->script_arg_count + 1, NULL);
    for (int n = 0; n < options->script_arg_count; n++)
        lua_pushstring(L, options->script_args[n]);
    script->arguments = options->script_arg_count;
    return true;
}

static bool load_shorthand(Script *script, Error *err)
{
    lua_State *L = script->main;
    const Options *options = session_options(script->session);
    const char *name = options->until_count ? "=--until" : "=--send";
    if (luaL_loadbufferx(L, shorthand, sizeof shorthand - 1, name, "t"))
        return error_set(err, "%s", lua_tostring(L, -1));
    lua_newtable(L);
    for (unsigned n = 0; n < options->until_count; n++) {
        lua_pushstring(L, options->until[n]);
        lua_seti(L, -2, n + 1);
    }
    char *text = options->send ? strdup(options->send) : NULL;
    if (text)
        lua_pushlstring(L, text, text_unescape(text));
    else
        lua_pushnil(L);
    free(text);
    script->arguments = 2;
    return true;
}

static bool load(Script *script, Error *err)
{
    const Options *options = session_options(script->session);
    if (!options->script)
        return load_shorthand(script, err);
    if (options->until_count || options->send)
        return error_set(err, "%s cannot be used together with --script: let the script do it",
                         options->until_count ? "--until" : "--send");
    return load_file(script, err);
}

Script *script_new(Session *session, Error *err)
{
    Script *script = calloc(1, sizeof *script);
    if (!script || !(script->lua = luaL_newstate()))
        abort();
    script->session = session;
    client_init(&script->client, session, "script");
    script->client.binary = true;
    script->resume = (SessionTask){.run = resume, .opaque = script};
    script->listener = session_listen(session, on_event, script);
    *(Script **)lua_getextraspace(script->lua) = script;
    luaL_openlibs(script->lua);
    define_operations(script->lua);
    run_prelude(script);
    lua_sethook(script->lua, look_around, LUA_MASKCOUNT, HOOK_COUNT);
    script->main = lua_newthread(script->lua);
    if (!load(script, err)) {
        script_free(script);
        return NULL;
    }
    session_later(session, &script->resume);
    return script;
}

void script_free(Script *script)
{
    if (!script)
        return;
    session_not_later(script->session, &script->resume);
    session_unlisten(script->listener);
    client_leave(&script->client);
    lua_close(script->lua);
    forget_result(script);
    free(script->place);
    free(script);
}
