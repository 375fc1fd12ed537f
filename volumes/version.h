/* The order of Debian's version numbers (Debian Policy, section 5.6.12), for the versions of kernels. */
#ifndef ARMATURE_VOLUMES_VERSION_H
#define ARMATURE_VOLUMES_VERSION_H

/* Negative if a is older than b, 0 if they are equal, positive if a is newer. A release candidate ("-rc1") is
 * older than the release, as in Debian's own choice of kernels. */
int version_compare(const char *a, const char *b);

#endif
