/* Values of options that are PLACE[,OPTION]..., as QEMU writes them: ",," in a place is a comma. */
#ifndef ARMATURE_FRONTENDS_SPEC_H
#define ARMATURE_FRONTENDS_SPEC_H

/* Ends the place in `text`, where pairs of commas become one. Returns what follows the single comma after it,
 * NULL if there is none. */
char *spec_cut_place(char *text);

/* Ends the first of `options`; returns those that follow, NULL if there are none. */
char *spec_cut_option(char *options);

#endif
