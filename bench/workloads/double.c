/* Matrices of doubles. */
#define NUMBER double
#include "matrix.h"
