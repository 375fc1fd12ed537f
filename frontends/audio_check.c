/* The part of audio.h that the command line needs. */
#include <string.h>

#include "frontends/audio.h"

bool audio_check(const char *where, Error *err)
{
    bool wav = !strncmp(where, "wav:", 4) && where[4];
    return wav || !strcmp(where, "none") || !strcmp(where, "sdl") ||
           error_set(err, "give none, sdl or wav:FILE");
}
