/* The functions behind the rows of operations.def, declared from them: a row and its function cannot differ.
 */
#ifndef ARMATURE_FRONTENDS_OPERATION_FUNCTIONS_H
#define ARMATURE_FRONTENDS_OPERATION_FUNCTIONS_H

#include "frontends/client.h"
#include "frontends/operation.h"

typedef void ResultNONE;
typedef bool ResultBOOL;
typedef uint32_t ResultU32;
typedef uint64_t ResultU64;
typedef char *ResultNAME;
typedef Bytes *ResultTEXT;
typedef Bytes *ResultBYTES;
typedef json_t *ResultDATA;
typedef void ResultLATER;

typedef bool ArgumentBOOL;
typedef int ArgumentINT;
typedef uint32_t ArgumentU32;
typedef uint64_t ArgumentU64;
typedef uint32_t ArgumentADDRESS;
typedef int ArgumentCPU;
typedef unsigned ArgumentPORT;
typedef uint64_t ArgumentSECONDS;
typedef const char *ArgumentNAME;
typedef const Bytes *ArgumentTEXT;
typedef const Bytes *ArgumentBYTES;
typedef const json_t *ArgumentLIST;

#define PARAM(name, type, value) , Argument##type
#define OPERATION(name, function, result, fields, parameters, help)                                          \
    Result##result function(Call *call parameters);
#include "frontends/operations.def"
#undef OPERATION
#undef PARAM

/* Shared by several of them. */

/* An address as a member of a result: a number where the client computes with it. */
json_t *address_json(const Call *call, uint32_t address);

/* NULL: there are none (--symbols). */
const struct Symbols *call_symbols(const Call *call);

/* False, and the call has failed, if `cpu` is none. */
bool call_has_cpu(Call *call, int cpu);

/* Where a CPU is, and the instruction that comes next. */
json_t *place_json(const Call *call, unsigned cpu);
/* Adds which watchpoint the CPU has met, if it did. */
void add_hit(const Call *call, json_t *place, unsigned cpu);

/* A copy of data as a result. */
Bytes *bytes_new(const void *data, size_t length);

/* False, and the call has failed, if the machine is switched off. */
bool call_needs_power(Call *call);

#endif
