/* machine/boards/vexpress_a9.c */
typedef int armature_empty_machine_boards_vexpress_a9_c;
