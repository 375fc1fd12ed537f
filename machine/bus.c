/* machine/bus.c */
typedef int armature_empty_machine_bus_c;
