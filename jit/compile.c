/* One compilation; see compile.h. */
#include "jit/compile.h"

#include <stdlib.h>
#include <string.h>

Source *source_new(void)
{
    Source *source = calloc(1, sizeof *source);
    if (!source)
        abort();
    source->block = malloc(BLOCK_BYTES(BLOCK_MAX_INSNS));
    source->page = malloc(PAGE_SIZE);
    if (!source->block || !source->page)
        abort();
    return source;
}

void source_free(Source *source)
{
    if (!source)
        return;
    free(source->block);
    free(source->page);
    free(source);
}

void compiler_init(Compiler *compiler, const X64Runtime *runtime)
{
    *compiler = (Compiler){runtime, malloc(sizeof *compiler->ir), x64_lower_new(),
                           malloc(BLOCK_BYTES(BLOCK_MAX_INSNS))};
    if (!compiler->ir || !compiler->cut)
        abort();
}

void compiler_free(Compiler *compiler)
{
    free(compiler->ir);
    free(compiler->lower);
    free(compiler->cut);
}

void compile(Compiler *compiler, const Source *source, Result *result)
{
    const Block *block = source->block;
    result->shortened = 0;
    for (;;) {
        result->literals = translate_block(compiler->ir, source, block, compiler->runtime->host);
        ir_optimise(compiler->ir);
        result->fit = x64_lower(compiler->lower, &result->piece, compiler->runtime, compiler->ir, block);
        if (result->fit)
            return;
        if (!result->shortened)
            memcpy(compiler->cut, block, BLOCK_BYTES(block->count));
        block = compiler->cut;
        if (!code_cache_shorten(compiler->cut))
            return;
        result->shortened++;
    }
}
