/* Built without libext2fs: ext2, ext3 and ext4 are recognised, not read. */
#include "volumes/volume.h"

const FileSystemOps *const ext_ops = NULL;
