/**
 * What a provable program is given and gives back.
 *
 * A program is one function, `tally_main`. It sees its input, writes its output and returns a code; there is no clock,
 * no file, no chance. Run again, it does the same, instruction by instruction: that makes every step of it provable.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most bytes of an input and of an output. */
#define TALLY_REGION_BYTES 0x1000000u

/**
 * The program. Returns its exit code; 0 says that all is well.
 *
 * @param input 4-byte aligned, followed by zeros
 * @param length of the input in bytes
 */
int tally_main(const uint8_t *input, uint32_t length);

/** Appends to the output; traps when it would be longer than TALLY_REGION_BYTES. `printf` ends here, too. */
void tally_output(const void *bytes, uint32_t length);

/** Ends the run where it stands: trapped, without output. For input that is not what it should be. */
_Noreturn void tally_trap(void);

/** Ends the run now, with the output so far. `exit` ends here, too. */
_Noreturn void tally_exit(int code);

#ifdef __cplusplus
}
#endif

#endif
