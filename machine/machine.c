/* machine/machine.c */
typedef int armature_empty_machine_machine_c;
