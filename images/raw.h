/* A raw image: file or block device, byte for byte the disk. */
#ifndef ARMATURE_IMAGES_RAW_H
#define ARMATURE_IMAGES_RAW_H

#include "images/host_file.h"
#include "images/image.h"

/* Takes the open file over (also when nothing is made of it). guarded: what is written must not make another
 * image format of it, since the next run would take it for that. */
void raw_open(DiskImage *image, HostFile *file, bool guarded);

/* The file of a raw medium. */
HostFile *raw_file(const DiskImage *image);

#endif
