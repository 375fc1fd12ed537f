/* Stands for audio_sdl.c where SDL2 was not there when this was built. */
#include "frontends/audio.h"

AudioSink *audio_sdl_new(Error *err)
{
    error_set(err, "--audio sdl: this armature was built without SDL2 (libsdl2-dev); use none or wav:FILE");
    return NULL;
}
