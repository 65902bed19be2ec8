/* A bench program is one function; start.S and link.ld make a guest of it, host.c a native program. */
#include <stdint.h>

/* Works for as many rounds as it is told and leaves 32 bytes that depend on all of them. */
void bench(uint32_t rounds, uint8_t digest[32]);
