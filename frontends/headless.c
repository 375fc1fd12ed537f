/* frontends/headless.c */
typedef int armature_empty_frontends_headless_c;
