#include "frontends/sdl_library.h"

#include "machine/library.h"

Sdl sdl;

bool sdl_load(Error *err)
{
#define SDL_NAME(name) "SDL_" #name,
    static const char *const names[] = {SDL_FUNCTIONS(SDL_NAME)};
#undef SDL_NAME
    static Library library = {.soname = "libSDL2-2.0.so.0",
                              .package = "libsdl2-2.0-0",
                              .names = names,
                              .count = sizeof names / sizeof *names,
                              .functions = &sdl};
    return library_load(&library, err);
}
