/* Overlays: what a disk has that the image below it has not. */
#ifndef ARMATURE_IMAGES_OVERLAY_H
#define ARMATURE_IMAGES_OVERLAY_H

#define OVERLAY_MAGIC "ARMOVL\r\n"

#endif
