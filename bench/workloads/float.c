/* Matrices of floats. */
#define NUMBER float
#include "matrix.h"
