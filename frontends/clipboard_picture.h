/* A picture into the clipboard of the user's desktop. SDL 2 puts nothing but text there; the programs that
 * people use for it in shells do the rest, where they are installed. */
#ifndef ARMATURE_FRONTENDS_CLIPBOARD_PICTURE_H
#define ARMATURE_FRONTENDS_CLIPBOARD_PICTURE_H

#include <stdbool.h>

/* Gives the PNG file's contents to the clipboard, under X by xclip, under Wayland by wl-copy, which keep them
 * after this process has ended. video_driver as SDL names it. False if the program is missing, or fails;
 * waits half a second at most. */
bool clipboard_put_picture(const char *video_driver, const char *path);

#endif
