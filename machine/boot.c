/* machine/boot.c */
typedef int armature_empty_machine_boot_c;
