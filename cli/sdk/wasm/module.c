/** Runs a module that was written for the kind Repeatable: the same imports, on the provable machine. */
#include "program.h"

enum { PAGE = 65536 };

extern uint8_t __heap_start[], __heap_end[];

struct w2c_tally {
    wasm_rt_memory_t *memory;
    const uint8_t *input;
    uint32_t length;
};

/** The only memory: all of what is left to a program, so that it can grow in place. */
void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t pages, uint32_t max_pages, bool is_64, uint32_t page_size)
{
    uint32_t fit = (__heap_end - __heap_start) / PAGE;
    if (is_64 || page_size != PAGE || pages > fit) tally_trap();
    memory->max_pages = max_pages < fit ? max_pages : fit;
    memory->data = __heap_start;
    memory->pages = pages;
    memory->size = pages * PAGE;
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages)
{
    uint32_t before = memory->pages;
    if (pages > memory->max_pages - before) return 0xffffffff;
    memory->pages += pages;
    memory->size = memory->pages * PAGE;
    return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory) { (void)memory; }

/** Tables stand one behind the other; a module has few, and they are small. */
void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t elements, uint32_t max_elements)
{
    static wasm_rt_funcref_t functions[4096];
    static uint32_t used;
    if (elements > sizeof functions / sizeof *functions - used) tally_trap();
    table->data = functions + used;
    table->size = elements;
    table->max_size = max_elements;
    used += elements;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table) { (void)table; }

/** Memory from `at` on, checked as the module's own accesses are. */
static uint8_t *view(struct w2c_tally *tally, u32 at, u32 length)
{
    if (at > tally->memory->size || length > tally->memory->size - at) tally_trap();
    return tally->memory->data + at;
}

u32 w2c_tally_input_length(struct w2c_tally *tally) { return tally->length; }

void w2c_tally_input_read(struct w2c_tally *tally, u32 to, u32 from, u32 length)
{
    uint8_t *target = view(tally, to, length);
    if (from > tally->length || length > tally->length - from) tally_trap();
    memcpy(target, tally->input + from, length);
}

void w2c_tally_output_write(struct w2c_tally *tally, u32 from, u32 length)
{
    tally_output(view(tally, from, length), length);
}

int tally_main(const uint8_t *input, uint32_t length)
{
    static w2c_program program;
    struct w2c_tally tally = {w2c_program_memory(&program), input, length};
    wasm2c_program_instantiate(&program, &tally);
    w2c_program_run(&program);
    return 0;
}
