/* What is used of SDL, of which windows and sound need a copy on the host: see machine/library.h. A call is
 * written sdl.Init(...) where SDL's manual says SDL_Init(...). */
#ifndef ARMATURE_FRONTENDS_SDL_LIBRARY_H
#define ARMATURE_FRONTENDS_SDL_LIBRARY_H

#include <SDL.h>

#include "machine/error.h"

/* Of SDL only what 2.26 has, so that sdl2-compat serves it too. */
/* clang-format off */
#define SDL_FUNCTIONS(F) \
    F(CloseAudioDevice) \
    F(CreateRenderer) \
    F(CreateTexture) \
    F(CreateWindow) \
    F(Delay) \
    F(DestroyRenderer) \
    F(DestroyTexture) \
    F(DestroyWindow) \
    F(GetClipboardText) \
    F(GetCurrentVideoDriver) \
    F(GetDisplayBounds) \
    F(GetDisplayUsableBounds) \
    F(GetError) \
    F(GetModState) \
    F(GetMouseState) \
    F(GetNumVideoDisplays) \
    F(GetQueuedAudioSize) \
    F(GetRendererOutputSize) \
    F(GetTicks64) \
    F(GetWindowBordersSize) \
    F(GetWindowDisplayIndex) \
    F(GetWindowFlags) \
    F(GetWindowPosition) \
    F(GetWindowSize) \
    F(HasIntersection) \
    F(Init) \
    F(InitSubSystem) \
    F(OpenAudioDevice) \
    F(PauseAudioDevice) \
    F(PollEvent) \
    F(PushEvent) \
    F(QueueAudio) \
    F(Quit) \
    F(QuitSubSystem) \
    F(RegisterEvents) \
    F(RenderClear) \
    F(RenderCopy) \
    F(RenderPresent) \
    F(SetClipboardText) \
    F(SetError) \
    F(SetHint) \
    F(SetRelativeMouseMode) \
    F(SetRenderDrawColor) \
    F(SetTextureBlendMode) \
    F(SetTextureScaleMode) \
    F(SetWindowFullscreen) \
    F(SetWindowKeyboardGrab) \
    F(SetWindowMinimumSize) \
    F(SetWindowPosition) \
    F(SetWindowSize) \
    F(SetWindowTitle) \
    F(ShowCursor) \
    F(StartTextInput) \
    F(StopTextInput) \
    F(UpdateTexture) \
    F(WaitEvent) \
    F(WaitEventTimeout) \
    F(free)
/* clang-format on */

typedef struct Sdl {
#define SDL_MEMBER(name) __typeof__(SDL_##name) *name;
    SDL_FUNCTIONS(SDL_MEMBER)
#undef SDL_MEMBER
} Sdl;

/* Nothing of it may be called before sdl_load(). */
extern Sdl sdl;

/* False with err set if SDL is not installed. */
bool sdl_load(Error *err);

#endif
